"""Plans and their rate limits."""

from apps.plans.models.plan import Plan
from apps.plans.models.plan_limit import PlanLimit

__all__ = ["Plan", "PlanLimit"]
