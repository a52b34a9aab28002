"""Counts queries about keys that do not exist, by their callers."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from apps.usage.domain.calls import UNKNOWN_ID, RefusedCall
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository

Counts = Counter[tuple[datetime, str]]  # by minute and caller


class UnknownKeyCounts:
    """Collects the counts of one worker, and writes them soon after: a row for each caller and minute.

    They belong to no key whose lock a batch holds, so a batch that wrote them would wait for those of all other
    workers. A worker that is killed loses those of the last second; an outage of the database loses none.
    """

    def __init__(self, denials: UsageDenialRepository) -> None:
        self._denials = denials
        self._counts: Counts = Counter()

    def add(self, calls: Iterable[RefusedCall]) -> None:
        """Count those of the refused calls whose key was not found."""
        for call in calls:
            if call.api_key_id == UNKNOWN_ID:
                self._counts[call.occurred_at.replace(second=0, microsecond=0), call.caller] += 1

    async def write(self) -> bool:
        """Write what was counted since, and return False: no more is due."""
        counts, self._counts = self._counts, Counter()
        if counts:
            try:
                await self._denials.add_unknown_keys(counts)
            except BaseException:
                self._counts.update(counts)
                raise
        return False
