"""What was used, and what was refused."""

from typing import Any

from apps.core.database.batches import remove_in_batches
from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, section_of
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository, UsedOnDay
from apps.usage.schemas.usage_event import RefusedCalls, UsedCalls

PARTITION_MONTHS_AHEAD = 12


class UsageService:
    """Keeps usage, and tells why calls were refused."""

    def __init__(self, events: UsageEventRepository, denials: UsageDenialRepository) -> None:
        self._events = events
        self._denials = denials

    async def prepare_partitions(self) -> None:
        """Make room for the coming year's events; what finds none goes to the default partition."""
        await self._events.ensure_partitions(PARTITION_MONTHS_AHEAD)

    async def refused_lately(self, api_key_id: int) -> list[RefusedCalls]:
        """Return why calls of the key were refused in the last day, the newest reason first."""
        found = await self._denials.lately(api_key_id)
        return [RefusedCalls(code=code, count=count, last_at=last_at) for code, count, last_at in found]

    async def export(self, user_id: int) -> Any:
        """Return what the account used in the last 31 days, by key and day. It is an `ExportPersonalData`."""
        rows, total = await self._events.lately(user_id, EXPORT_ROWS_MAXIMUM)
        return await section_of(_used_calls, rows, total)

    async def remove_old_denials(self) -> int:
        """Remove what was counted of refused calls more than 90 days ago, in batches, and return how many rows."""
        return await remove_in_batches(self._denials.remove_old)


def _used_calls(row: UsedOnDay) -> UsedCalls:
    return UsedCalls(**row._asdict())
