"""Builds this app's services."""

from functools import cache

from apps.audit.dependencies import audit_trail
from apps.plans.repositories.plan_repository import PlanRepository
from apps.plans.services.plan_service import PlanService


@cache
def plan_service() -> PlanService:
    """Return the plan service."""
    return PlanService(PlanRepository(), audit_trail())
