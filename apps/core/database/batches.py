"""Deletes many rows in batches."""

from collections.abc import Awaitable, Callable

BATCH_SIZE = 1000  # rows that one statement deletes and locks


async def remove_in_batches(remove: Callable[[int], Awaitable[int]], batch_size: int = BATCH_SIZE) -> int:
    """Call `remove` with the batch size until it deletes nothing, and return the total number of deleted rows.

    Each batch is committed separately: rows are locked only briefly, and an interrupted run can be repeated.
    """
    total = 0
    while removed := await remove(batch_size):
        total += removed
    return total


class BatchRemoval:
    """A clean-up task that calls a repository's method until it deletes nothing more."""

    def __init__(self, remove: Callable[[int], Awaitable[int]]) -> None:
        self._remove = remove

    async def run(self) -> int:
        """Delete all rows in batches, and return their number."""
        return await remove_in_batches(self._remove)
