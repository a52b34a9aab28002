"""Deleting counts of wrong codes that have expired."""

from apps.core.database.batches import remove_in_batches
from apps.second_factors.repositories.factor_attempt_repository import FactorAttemptRepository


class AttemptCleanUp:
    """Deletes counts that no longer lock anyone out."""

    def __init__(self, attempts: FactorAttemptRepository) -> None:
        self._attempts = attempts

    async def run(self) -> int:
        """Delete them in batches, and return how many."""
        return await remove_in_batches(self._attempts.delete_expired)
