"""Rolls usage events up, so that the usage of months is read from few rows."""

from apps.core.database.transaction import transaction
from apps.usage.repositories.usage_rollup_repository import UsageRollupRepository

# Events of the last seconds are left for the next run: their batches are still being expanded, and one that is expanded
# after the mark has passed it is added in a way that costs more.
LAG_SECONDS = 10
# Every five minutes: each run writes the rows of all keys that were used since the last, so a shorter pause costs more
# for each call. What is not rolled up yet is read from the usage events.
PAUSE_SECONDS = 300 + LAG_SECONDS
EVENTS_AT_ONCE = 500_000  # about two seconds, for which batches stay pending


class UsageRollups:
    """Adds usage events to the rollups, in the order of their times.

    Events and mark are in one transaction, so an interrupted run leaves nothing half done. It is safe to run at any
    time and at the same time: one transaction rolls up, the others do nothing.
    """

    def __init__(
        self,
        rollups: UsageRollupRepository,
        pause_seconds: float = PAUSE_SECONDS,
        lag_seconds: float = LAG_SECONDS,
        events_at_once: int = EVENTS_AT_ONCE,
    ) -> None:
        self._rollups = rollups
        self._pause_seconds = pause_seconds
        self._lag_seconds = lag_seconds
        self._events_at_once = events_at_once

    async def roll_up(self) -> bool:
        """Add the next events to the rollups; return whether more are due."""
        async with transaction():
            if not await self._rollups.claim(self._pause_seconds):
                return False
            since = await self._rollups.lock()
            until = await self._rollups.end_of_part(since, self._events_at_once, self._lag_seconds)
            if until <= since:
                return False
            return await self._rollups.add(since, until) >= self._events_at_once
