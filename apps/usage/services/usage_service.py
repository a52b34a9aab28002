"""What was used."""

from apps.usage.repositories.usage_event_repository import UsageEventRepository

PARTITION_MONTHS_AHEAD = 12


class UsageService:
    """Keeps usage."""

    def __init__(self, events: UsageEventRepository) -> None:
        self._events = events

    async def prepare_partitions(self) -> None:
        """Make room for the coming year's events; what finds none goes to the default partition."""
        await self._events.ensure_partitions(PARTITION_MONTHS_AHEAD)
