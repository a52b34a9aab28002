"""Processes items in batches: items that wait at the same time are processed together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from weakref import WeakKeyDictionary

from apps.core.errors import Unavailable

BATCH_SIZE_MAXIMUM = 256
# While the database works on one batch, another is decided or its results are delivered. The second begins only with
# this many items: each batch has fixed costs, above all its commit, so two small batches cost more than one.
BATCHES_MAXIMUM = 2
CONCURRENT_BATCH_MINIMUM = 16
WAITING_MAXIMUM = 10_000


class Pending[Item, Result]:
    """An item that waits for its result."""

    __slots__ = ("item", "result")

    def __init__(self, item: Item, result: asyncio.Future[Result]) -> None:
        self.item = item
        self.result = result

    @property
    def is_cancelled(self) -> bool:
        """Whether the result is no longer awaited, because the client has disconnected."""
        return self.result.done()


# Returns the results of all items, in their order. An exception is raised in the caller that waits for the item; the
# result of a cancelled item is dropped.
type ProcessBatch[Item, Result] = Callable[[Sequence[Pending[Item, Result]]], Awaitable[Sequence[Result | Exception]]]


class Batcher[Item, Result]:
    """Collects items while batches are being processed, and processes them as the next batch, in order of arrival.

    There is no timer: an item that finds no running batch on its event loop is processed at once, with those that
    arrive in the same turn of the loop. An item that is cancelled before its batch begins is dropped.
    """

    def __init__(self, process_batch: ProcessBatch[Item, Result]) -> None:
        self._process_batch = process_batch
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue[Item, Result]] = WeakKeyDictionary()

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """Add the item, and return the future of its result, or of the error of its batch.

        Raises Unavailable when too many items wait.
        """
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = _Queue(loop, self._process_batch)
        return queue.put(item)


class _Queue[Item, Result]:
    """The items that wait on one event loop, and the tasks that process them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, process_batch: ProcessBatch[Item, Result]) -> None:
        self._loop = loop
        self._process_batch = process_batch
        self._waiting: deque[Pending[Item, Result]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, item: Item) -> asyncio.Future[Result]:
        if len(self._waiting) >= WAITING_MAXIMUM:
            raise Unavailable("Too many verifications are waiting. Retry shortly.")
        pending: Pending[Item, Result] = Pending(item, self._loop.create_future())
        self._waiting.append(pending)
        if not self._tasks or (len(self._tasks) < BATCHES_MAXIMUM and len(self._waiting) >= CONCURRENT_BATCH_MINIMUM):
            self._tasks.add(self._loop.create_task(self._work()))
        return pending.result

    async def _work(self) -> None:
        try:
            while (len(self._tasks) == 1 or len(self._waiting) >= CONCURRENT_BATCH_MINIMUM) and (
                batch := self._next_batch()
            ):
                await self._process(batch)
        finally:
            self._tasks.discard(asyncio.current_task())

    def _next_batch(self) -> list[Pending[Item, Result]]:
        batch: list[Pending[Item, Result]] = []
        while self._waiting and len(batch) < BATCH_SIZE_MAXIMUM:
            pending = self._waiting.popleft()
            if not pending.is_cancelled:
                batch.append(pending)
        return batch

    async def _process(self, batch: list[Pending[Item, Result]]) -> None:
        try:
            results = await self._process_batch(batch)
            processed = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001  raised in each waiting caller
            for pending in batch:
                _deliver(pending, error)
            return
        for pending, result in processed:
            _deliver(pending, result)


def _deliver[Item, Result](pending: Pending[Item, Result], result: Result | Exception) -> None:
    if pending.is_cancelled:
        return
    if isinstance(result, Exception):
        pending.result.set_exception(result)
    else:
        pending.result.set_result(result)
