"""Reads plans."""

from apps.core.database.queries import fetch_one
from apps.plans.models import Plan


class PlanRepository:
    """The plans' rows."""

    async def find_by_name(self, name: str) -> Plan | None:
        """Return the plan of that name, or None."""
        return await fetch_one(Plan.objects.filter(name=name))
