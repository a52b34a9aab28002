"""Processes items in batches: items that wait at the same time are processed together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from apps.core.errors import Unavailable

BATCH_SIZE_MAXIMUM = 256
# One batch at a time: each has fixed costs, above all its commit, so two small batches cost more than one large one.
# Another begins beside a batch only when that has been running for so long that it must be waiting for a lock.
STALLED_SECONDS = 0.05
BATCHES_MAXIMUM = 2
WAITING_MAXIMUM = 10_000


class Pending[Item, Result](Protocol):
    """An item that waits for its result."""

    item: Item

    @property
    def is_cancelled(self) -> bool:
        """Whether the result is no longer awaited, because the client has disconnected."""

    def deliver(self, result: Result | Exception) -> None:
        """Hand over the result of the item, or the error."""


class PendingFuture[Item, Result]:
    """An item whose result is awaited."""

    __slots__ = ("item", "result")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    @property
    def is_cancelled(self) -> bool:
        """Whether the waiting task has been cancelled."""
        return self.result.done()

    def deliver(self, result: Result | Exception) -> None:
        """Return the result in the waiting task, or raise the error there."""
        if isinstance(result, Exception):
            self.result.set_exception(result)
        else:
            self.result.set_result(result)


# Returns the results of all items, in their order. An exception is delivered to the item whose place it has.
type ProcessBatch[Item, Result] = Callable[[Sequence[Pending[Item, Result]]], Awaitable[Sequence[Result | Exception]]]


class Batcher[Item, Result]:
    """Collects items while batches are being processed, and processes them as the next batch, in order of arrival.

    An item that finds no running batch on its event loop is processed at once, with those that arrive in the same turn
    of the loop. An item that is cancelled before its batch begins is dropped.
    """

    def __init__(self, process_batch: ProcessBatch[Item, Result]) -> None:
        self._process_batch = process_batch
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue[Item, Result]] = WeakKeyDictionary()
        self._last: _Queue[Item, Result] | None = None  # a server has one event loop

    def submit(self, pending: Pending[Item, Result]) -> None:
        """Add the item, to which the result or the error of its batch is delivered, in a later turn of the loop.

        Raises Unavailable when too many items wait.
        """
        loop = asyncio.get_running_loop()
        queue = self._last
        if queue is None or queue.loop is not loop:
            queue = self._last = self._queue_of(loop)
        queue.put(pending)

    async def process(self, item: Item) -> Result:
        """Return the result of the item. Raises its error, and Unavailable when too many items wait."""
        pending: PendingFuture[Item, Result] = PendingFuture(item)
        self.submit(pending)
        return await pending.result

    def _queue_of(self, loop: asyncio.AbstractEventLoop) -> "_Queue[Item, Result]":
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = _Queue(loop, self._process_batch)
        return queue


class _Queue[Item, Result]:
    """The items that wait on one event loop, and the tasks that process them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, process_batch: ProcessBatch[Item, Result]) -> None:
        self.loop = loop
        self._process_batch = process_batch
        self._waiting: deque[Pending[Item, Result]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        # The task that takes what waits, until its batch has stalled.
        self._current: asyncio.Task[None] | None = None

    def put(self, pending: Pending[Item, Result]) -> None:
        if len(self._waiting) >= WAITING_MAXIMUM:
            raise Unavailable("Too many verifications are waiting. Retry shortly.")
        self._waiting.append(pending)
        self._begin()

    def _begin(self) -> None:
        """Begin to process what waits, unless a task does already, or as many as may have stalled."""
        if self._waiting and self._current is None and len(self._tasks) < BATCHES_MAXIMUM:
            self._current = self.loop.create_task(self._work())
            self._tasks.add(self._current)

    def _begin_beside(self) -> None:
        self._current = None
        self._begin()

    async def _work(self) -> None:
        """Process batches until nothing waits, or another task takes what waits because this one had stalled."""
        task = asyncio.current_task()
        try:
            while self._current is task and (batch := self._next_batch()):
                stalled = self.loop.call_later(STALLED_SECONDS, self._begin_beside)
                try:
                    await self._process(batch)
                finally:
                    stalled.cancel()
        finally:
            self._tasks.discard(task)
            if self._current is task:
                self._current = None
        self._begin()

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
        except Exception as error:  # noqa: BLE001  delivered to each item
            processed = [(pending, error) for pending in batch]
        for pending, result in processed:
            if not pending.is_cancelled:
                self._deliver(pending, result)

    def _deliver(self, pending: Pending[Item, Result], result: Result | Exception) -> None:
        try:
            pending.deliver(result)
        except Exception as error:  # noqa: BLE001  the others still wait for their results
            self.loop.call_exception_handler({"message": "a result was not delivered", "exception": error})
