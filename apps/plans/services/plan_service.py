"""What tiers there are."""

from apps.core.errors import ValidationFailed
from apps.plans.repositories.plan_repository import PlanRepository


class PlanService:
    """Answers questions about plans."""

    def __init__(self, plans: PlanRepository) -> None:
        self._plans = plans

    async def id_of(self, name: str) -> int:
        """Return the id of the plan of that name; raises ValidationFailed when there is none."""
        plan = await self._plans.find_by_name(name)
        if plan is None:
            raise ValidationFailed.of("plan", "There is no plan of this name.")
        return plan.pk
