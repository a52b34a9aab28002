"""The personal data in usage."""

from typing import Any

from apps.core.declarations import EXPORT_ROWS_MAXIMUM, PersonalData, section_of
from apps.usage.repositories.refusal_repository import RefusalRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository, UsedOnDay
from apps.usage.schemas.call import Call
from apps.usage.schemas.usage_event import UsedCalls


class UsagePersonalData(PersonalData):
    """Exports usage by key and day, and samples of refused calls, which are erased.

    Usage is not: events hold ids, amounts and the customer's own tags.
    """

    def __init__(self, events: UsageEventRepository, refusals: RefusalRepository) -> None:
        self._events = events
        self._refusals = refusals

    async def export(self, user_id: int) -> Any:
        """Return the account's usage of the last 31 days, by key and day, and its newest refused calls."""
        rows, total = await self._events.by_key_and_day(user_id, EXPORT_ROWS_MAXIMUM)
        refused = await self._refusals.newest_of_customer(user_id, EXPORT_ROWS_MAXIMUM)
        refused_total = await self._refusals.count_of_customer(user_id)
        used = await section_of(_used_calls, rows, total)
        return {**used, "refused_calls": await section_of(Call.refused, refused, refused_total)}

    async def erase(self, user_id: int) -> None:
        """Delete the refused calls of a deleted account."""
        await self._refusals.erase(user_id)


def _used_calls(row: UsedOnDay) -> UsedCalls:
    return UsedCalls(**row._asdict())
