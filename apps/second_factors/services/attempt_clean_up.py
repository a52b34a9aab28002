"""Removing counts that are over."""

from apps.second_factors.repositories.factor_attempt_repository import FactorAttemptRepository

BATCH_SIZE = 1000  # rows a statement removes, and so locks


class AttemptCleanUp:
    """Removes counts of wrong codes that are forgiven."""

    def __init__(self, attempts: FactorAttemptRepository, batch_size: int = BATCH_SIZE) -> None:
        self._attempts = attempts
        self._batch_size = batch_size

    async def run(self) -> int:
        """Remove them in batches, and return how many."""
        total = 0
        while removed := await self._attempts.remove_old(self._batch_size):
            total += removed
        return total
