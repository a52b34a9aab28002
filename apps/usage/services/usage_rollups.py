"""Rolls usage events up, so that the usage of months is read from few rows."""

from time import monotonic

from apps.core.database.transaction import transaction
from apps.usage.repositories.usage_rollup_repository import UsageRollupRepository

# Events of the last seconds are left for the next run: their batches are still being expanded, and one that is expanded
# after the mark has passed it is added in a way that costs more.
LAG_SECONDS = 10
# Every five minutes: each run writes the rows of all keys that were used since the last, so a shorter pause costs more
# for each call. What is not rolled up yet is read from the usage events.
PAUSE_SECONDS = 300 + LAG_SECONDS
# Of one transaction, during which batches stay pending: as many events as take about two seconds. It takes thirty times
# as long if each is of another key.
EVENTS_MINIMUM, EVENTS_MAXIMUM = 10_000, 1_000_000
SHORT_SECONDS, LONG_SECONDS = 1, 4


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
        events_at_once: int = EVENTS_MINIMUM,
    ) -> None:
        self._rollups = rollups
        self._pause_seconds = pause_seconds
        self._lag_seconds = lag_seconds
        self._events_at_once = events_at_once

    async def roll_up(self) -> bool:
        """Add the next events to the rollups; return whether more are due."""
        maximum, began = self._events_at_once, monotonic()
        self._events_at_once = max(maximum // 2, EVENTS_MINIMUM)  # for the next attempt, if this one is cut short
        added = await self._add(maximum)
        self._events_at_once = next_maximum(maximum, monotonic() - began)
        return added >= maximum

    async def _add(self, maximum: int) -> int:
        async with transaction():
            if not await self._rollups.claim(self._pause_seconds):
                return 0
            since = await self._rollups.lock()
            until = await self._rollups.end_of_part(since, maximum, self._lag_seconds)
            return await self._rollups.add(since, until) if until > since else 0


def next_maximum(maximum: int, seconds: float) -> int:
    """Return how many events the next transaction may add, after one of up to `maximum` has taken so long."""
    if seconds > LONG_SECONDS:
        return max(maximum // 2, EVENTS_MINIMUM)
    return min(maximum * 2, EVENTS_MAXIMUM) if seconds < SHORT_SECONDS else maximum
