"""Removing many rows, a batch at a time."""

from collections.abc import Awaitable, Callable

BATCH_SIZE = 1000  # rows a statement removes, and so locks


async def remove_in_batches(remove: Callable[[int], Awaitable[int]], batch_size: int = BATCH_SIZE) -> int:
    """Call `remove` with the size of a batch until it has removed nothing, and return how many it has in all.

    Each batch is committed for itself: rows are locked for a moment only, and who is interrupted begins again.
    """
    total = 0
    while removed := await remove(batch_size):
        total += removed
    return total


class BatchRemoval:
    """A clean-up task: removes what a repository's method removes a batch at a time."""

    def __init__(self, remove: Callable[[int], Awaitable[int]]) -> None:
        self._remove = remove

    async def run(self) -> int:
        """Remove all batches, and return how many rows they were."""
        return await remove_in_batches(self._remove)
