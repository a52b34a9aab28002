"""Clean-up tasks: deleting expired rows in batches, and running the tasks one after another as a background job."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from apps.core.database.database_errors import DATABASE_UNAVAILABLE, log_unexpected
from apps.core.errors import Unavailable

logger = logging.getLogger("keyhouse.background")

BATCH_SIZE = 1000  # rows that one statement deletes and locks

# Deletes all expired rows of one kind in small transactions, and returns how many.
Task = Callable[[], Awaitable[int]]


def in_batches(delete: Callable[[int], Awaitable[int]], batch_size: int = BATCH_SIZE) -> Task:
    """Return the task that calls `delete` with the batch size until it deletes nothing more.

    Each batch is committed separately: rows are locked only briefly, and an interrupted run can be repeated.
    """

    async def run() -> int:
        total = 0
        while deleted := await delete(batch_size):
            total += deleted
        return total

    return run


class CleanUpRound:
    """Runs one task per call of `run`, so that the server can stop between two tasks."""

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self._tasks = tuple(tasks.items())
        self._next = 0

    async def run(self) -> bool:
        """Run the next task, and return whether more tasks follow in this round.

        A task that fails is logged with the class of its error and is retried in the next round. The other tasks run
        regardless.
        """
        name, task = self._tasks[self._next]
        self._next = (self._next + 1) % len(self._tasks)
        try:
            deleted = await task()
        except (*DATABASE_UNAVAILABLE, Unavailable) as error:
            logger.warning("%s: unavailable, postponed to the next round: %s", name, type(error).__name__)
        except Exception as error:  # noqa: BLE001  logged in full; the next round may succeed
            logger.warning("%s: failed, postponed to the next round: %s", name, type(error).__name__)
            log_unexpected(error)
        else:
            if deleted:
                logger.info("%s: %d rows deleted", name, deleted)
        return self._next != 0
