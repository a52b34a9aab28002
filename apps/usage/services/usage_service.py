"""Expands batches of usage, creates partitions for usage events, and reads counts of refused calls."""

from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.schemas.usage_event import RefusedCalls

PARTITION_MONTHS_AHEAD = 12
# Batches that one statement expands: it takes about 10 ms, and verification meanwhile waits for nothing.
BATCHES_AT_ONCE = 16
VACUUM_AFTER = 1000  # expanded batches


class UsageService:
    """Manages usage events and counts of refused calls, which verification writes."""

    def __init__(self, events: UsageEventRepository, denials: UsageDenialRepository) -> None:
        self._events = events
        self._denials = denials
        self._expanded = 0  # since the last vacuum

    async def prepare_partitions(self) -> None:
        """Create missing partitions for the coming year; later events are stored in the default partition."""
        await self._events.ensure_partitions(PARTITION_MONTHS_AHEAD)

    async def expand_batches(self) -> bool:
        """Expand the oldest batches of usage to usage events and ledger entries; return whether more may be due."""
        expanded = await self._events.expand_batches(BATCHES_AT_ONCE)
        self._expanded += expanded
        if self._expanded >= VACUUM_AFTER:
            self._expanded = 0
            await self._events.vacuum_batches()
        return expanded == BATCHES_AT_ONCE

    async def recent_refusals(self, api_key_id: int) -> list[RefusedCalls]:
        """Return the reasons for which the key's calls were refused in the last day, the most recent first.

        For callers that have checked who may read the key.
        """
        found = await self._denials.count_recent(api_key_id)
        return [
            RefusedCalls(code=code, detail=detail, count=count, last_at=last_at)
            for code, detail, count, last_at in found
        ]
