"""The admin pages of plans."""

from apps.plans.admin.plan_admin import PlanAdmin

__all__ = ["PlanAdmin"]
