"""Creates partitions for usage events, and reads counts of refused calls."""

from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from apps.usage.repositories.usage_event_repository import UsageEventRepository
from apps.usage.schemas.usage_event import RefusedCalls

PARTITION_MONTHS_AHEAD = 12


class UsageService:
    """Manages usage events and counts of refused calls, which verification writes."""

    def __init__(self, events: UsageEventRepository, denials: UsageDenialRepository) -> None:
        self._events = events
        self._denials = denials

    async def prepare_partitions(self) -> None:
        """Create missing partitions for the coming year; later events are stored in the default partition."""
        await self._events.ensure_partitions(PARTITION_MONTHS_AHEAD)

    async def recent_refusals(self, api_key_id: int) -> list[RefusedCalls]:
        """Return the codes of the key's calls that were refused in the last day, the most recent first.

        For callers that have checked who may read the key.
        """
        found = await self._denials.count_recent(api_key_id)
        return [RefusedCalls(code=code, count=count, last_at=last_at) for code, count, last_at in found]
