"""Answers questions in batches: whatever waits at the same moment is answered together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from weakref import WeakKeyDictionary

from apps.core.errors import Unavailable

BATCH_SIZE_MAXIMUM = 256
WAITING_MAXIMUM = 10_000


class Batcher[Q, A]:
    """Collects questions while a batch is being answered, and answers them as the next batch, in arrival order.

    There is no timer: a question that finds nothing under way is answered at once, alone. One batch at a time is
    under way for each event loop. A question whose asker has gone before its batch began is dropped. An answer that is
    an exception is raised to its asker alone.
    """

    def __init__(self, answer_all: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]) -> None:
        self._answer_all = answer_all
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue[Q, A]] = WeakKeyDictionary()

    async def ask(self, question: Q) -> A:
        """Return the answer; raises Unavailable when too many wait, and what answering the batch raised."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = _Queue(self._answer_all)
        return await queue.put(question)


class _Queue[Q, A]:
    """The questions waiting on one event loop, and the task that answers them."""

    def __init__(self, answer_all: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]) -> None:
        self._answer_all = answer_all
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, question: Q) -> asyncio.Future[A]:
        if len(self._waiting) >= WAITING_MAXIMUM:
            raise Unavailable("Too many verifications are waiting.")
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return future

    async def _work(self) -> None:
        try:
            while batch := self._next_batch():
                await self._answer(batch)
        finally:
            self._task = None

    def _next_batch(self) -> list[tuple[Q, asyncio.Future[A]]]:
        batch: list[tuple[Q, asyncio.Future[A]]] = []
        while self._waiting and len(batch) < BATCH_SIZE_MAXIMUM:
            question, future = self._waiting.popleft()
            if not future.done():
                batch.append((question, future))
        return batch

    async def _answer(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._answer_all([question for question, _ in batch])
            answered = list(zip(batch, answers, strict=True))
        except Exception as error:  # noqa: BLE001  every asker is told, whatever it was
            for _, future in batch:
                _tell(future, error)
            return
        for (_, future), answer in answered:
            _tell(future, answer)


def _tell[A](future: asyncio.Future[A], answer: A | Exception) -> None:
    if future.done():
        return  # the asker has gone
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
