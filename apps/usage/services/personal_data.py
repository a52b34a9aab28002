"""The personal data in usage events."""

from typing import Any

from apps.core.declarations import EXPORT_ROWS_MAXIMUM, PersonalData, section_of
from apps.usage.repositories.usage_event_repository import UsageEventRepository, UsedOnDay
from apps.usage.schemas.usage_event import UsedCalls


class UsagePersonalData(PersonalData):
    """Exports usage by key and day. Nothing is erased: events hold ids, amounts and the customer's own tags."""

    def __init__(self, events: UsageEventRepository) -> None:
        self._events = events

    async def export(self, user_id: int) -> Any:
        """Return the account's usage of the last 31 days, by key and day."""
        rows, total = await self._events.by_key_and_day(user_id, EXPORT_ROWS_MAXIMUM)
        return await section_of(_used_calls, rows, total)


def _used_calls(row: UsedOnDay) -> UsedCalls:
    return UsedCalls(**row._asdict())
