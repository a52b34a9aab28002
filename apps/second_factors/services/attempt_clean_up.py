"""Removing counts that are over."""

from apps.core.database.batches import remove_in_batches
from apps.second_factors.repositories.factor_attempt_repository import FactorAttemptRepository


class AttemptCleanUp:
    """Removes counts of wrong codes that are forgiven."""

    def __init__(self, attempts: FactorAttemptRepository) -> None:
        self._attempts = attempts

    async def run(self) -> int:
        """Remove them in batches, and return how many."""
        return await remove_in_batches(self._attempts.remove_old)
