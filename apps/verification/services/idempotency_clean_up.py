"""Removing idempotency records that have expired."""

from apps.core.database.batches import remove_in_batches
from apps.verification.repositories.idempotency_repository import IdempotencyRepository


class IdempotencyCleanUp:
    """Removes idempotency records that are older than a day."""

    def __init__(self, records: IdempotencyRepository) -> None:
        self._records = records

    async def run(self) -> int:
        """Remove the records in batches, and return how many."""
        return await remove_in_batches(self._records.remove_old)
