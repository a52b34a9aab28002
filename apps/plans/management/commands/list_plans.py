"""`manage.py list_plans`."""

from collections.abc import Sequence
from typing import Any

from apps.core.management.service_command import ListCommand, all_pages
from apps.plans.dependencies import plan_service
from apps.plans.schemas.plan import PlanOut


class Command(ListCommand):
    """Lists the plans."""

    help = "List the plans, one per line: id, name, maximum number of API keys, rate limits."
    examples = ("manage.py list_plans", "manage.py list_plans --json")

    async def items(self, options: dict[str, Any]) -> Sequence[PlanOut]:
        """Return the plans in order of id."""
        return await all_pages(plan_service().page)

    def columns(self, item: PlanOut) -> Sequence[str]:
        """Return the columns of a plan's line."""
        keys = "any number" if item.api_keys_maximum is None else str(item.api_keys_maximum)
        limits = [f"{limit.name}:{limit.limit}:{limit.period_seconds}" for limit in item.rate_limits]
        return [str(item.id), item.name, keys, " ".join(limits)]
