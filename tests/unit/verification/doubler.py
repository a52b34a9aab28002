"""A batcher's work that a test can hold up."""

import asyncio
from collections.abc import Sequence

from apps.verification.services.batcher import Batcher, Pending, PendingFuture

FAULT, REFUSED = -1, -2


class Doubler:
    """Doubles numbers in batches once its gate is open; a FAULT fails its batch, a REFUSED only itself."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.cancelled: list[int] = []
        self.gate = asyncio.Event()
        if is_open:
            self.gate.set()

    async def __call__(self, submitted: Sequence[Pending[int, int]]) -> list[int | Exception]:
        self.batches.append([pending.item for pending in submitted])
        await self.gate.wait()
        self.cancelled += [pending.item for pending in submitted if pending.is_cancelled]
        if FAULT in self.batches[-1]:
            raise LookupError("fault")
        return [self._result(pending) for pending in submitted]

    @staticmethod
    def _result(pending: Pending[int, int]) -> int | Exception:
        if pending.is_cancelled:
            return LookupError("disconnected")
        return PermissionError("refused") if pending.item == REFUSED else 2 * pending.item


def submit(batcher: Batcher[int, int], number: int) -> asyncio.Future[int]:
    """Submit a number, and return the future of its result."""
    pending: PendingFuture[int, int] = PendingFuture(number)
    batcher.submit(pending)
    return pending.result


async def begun(turns: int = 3) -> None:
    """Wait some turns of the event loop, in which batches begin."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def occupied(batcher: Batcher[int, int]) -> asyncio.Future[int]:
    """Return the item of a batch that is running; a few that are submitted now wait for it."""
    submitted = submit(batcher, 1)
    await begun()
    return submitted
