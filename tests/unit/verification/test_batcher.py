"""The batcher: order, batches under load, clients that leave, errors, overflow, several event loops."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.core.errors import Unavailable
from apps.verification.services import batcher as batcher_module
from apps.verification.services.batcher import (
    BATCH_SIZE_MAXIMUM,
    Batcher,
    Pending,
    PendingFuture,
)
from tests.unit.verification.doubler import FAULT, REFUSED, Doubler, begun, occupied, submit

pytestmark = pytest.mark.unit


async def test_a_single_item_is_processed_at_once():
    doubler = Doubler()
    assert await Batcher(doubler).process(21) == 42
    assert doubler.batches == [[21]]


async def test_items_of_one_loop_turn_are_one_batch():
    doubler = Doubler()
    batcher = Batcher(doubler)
    assert await asyncio.gather(*(submit(batcher, number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert doubler.batches == [[0, 1, 2, 3, 4]]


async def test_waiting_items_are_one_batch_in_order():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    first = await occupied(batcher)
    others = []
    for number in range(10, 16):
        others.append(submit(batcher, number))
        await begun()
    assert doubler.batches == [[1]]
    doubler.gate.set()
    assert await asyncio.gather(first, *others) == [2, 20, 22, 24, 26, 28, 30]
    assert doubler.batches == [[1], [10, 11, 12, 13, 14, 15]]


async def test_many_items_wait_for_the_running_batch():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    submitted = [await occupied(batcher)]
    submitted += [submit(batcher, number) for number in range(BATCH_SIZE_MAXIMUM)]
    await begun()
    assert doubler.batches == [[1]]
    doubler.gate.set()
    assert await asyncio.gather(*submitted) == [2, *(2 * number for number in range(BATCH_SIZE_MAXIMUM))]
    assert doubler.batches == [[1], list(range(BATCH_SIZE_MAXIMUM))]


async def test_the_size_of_a_batch_is_bounded():
    doubler = Doubler()
    batcher = Batcher(doubler)
    numbers = range(BATCH_SIZE_MAXIMUM * 2 + 1)
    assert await asyncio.gather(*(submit(batcher, number) for number in numbers)) == [2 * number for number in numbers]
    assert sorted(map(len, doubler.batches)) == [1, BATCH_SIZE_MAXIMUM, BATCH_SIZE_MAXIMUM]
    assert [number for batch in doubler.batches for number in batch] == list(numbers)


async def test_an_item_that_is_cancelled_before_its_batch_is_dropped():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    first = await occupied(batcher)
    submitted = [submit(batcher, number) for number in (11, 12, 13)]
    submitted[1].cancel()
    doubler.gate.set()
    assert await asyncio.gather(*[first, submitted[0], submitted[2]]) == [2, 22, 26]
    assert doubler.batches == [[1], [11, 13]]
    assert submitted[1].cancelled()


async def test_an_item_that_is_cancelled_during_its_batch_affects_no_other():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    submitted = [submit(batcher, number) for number in (1, 2)]
    await begun()
    submitted[0].cancel()
    doubler.gate.set()
    assert await submitted[1] == 4
    assert (doubler.batches, doubler.cancelled) == ([[1, 2]], [1])


async def test_cancelling_a_task_cancels_its_item():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)

    tasks = [asyncio.create_task(batcher.process(number)) for number in (1, 2)]
    await begun()
    tasks[0].cancel()
    await begun()
    doubler.gate.set()
    assert await tasks[1] == 4
    assert doubler.cancelled == [1]


async def test_a_result_that_is_an_error_is_raised_for_its_item_only():
    batcher = Batcher(Doubler())
    results = await asyncio.gather(*(submit(batcher, number) for number in (1, REFUSED, 2)), return_exceptions=True)
    assert (results[0], type(results[1]), results[2]) == (2, PermissionError, 4)


async def test_an_error_of_a_batch_is_raised_for_each_of_its_items():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    before = await occupied(batcher)
    failing = [submit(batcher, number) for number in (FAULT, 1, 2)]
    failing[2].cancel()
    doubler.gate.set()
    outcomes = await asyncio.gather(*failing[:2], return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["fault"] * 2
    assert {type(outcome) for outcome in outcomes} == {LookupError}
    assert await before == 2
    assert await submit(batcher, 3) == 6
    assert doubler.batches == [[1], [FAULT, 1], [3]]


async def test_a_result_that_cannot_be_delivered_delays_no_other(monkeypatch: pytest.MonkeyPatch):
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    batcher, broken = Batcher(Doubler()), PendingFuture[int, int](1)
    monkeypatch.setattr(PendingFuture, "deliver", _deliver_except(broken))
    batcher.submit(broken)
    others = [submit(batcher, number) for number in (2, 3)]
    async with asyncio.timeout(1):
        assert await asyncio.gather(*others) == [4, 6]
        assert await batcher.process(4) == 8
    assert [type(error) for error in reported] == [BrokenPipeError]


def _deliver_except(broken: PendingFuture[int, int]) -> Callable[[PendingFuture[int, int], int | Exception], None]:
    deliver = PendingFuture[int, int].deliver

    def deliver_or_fail(self: PendingFuture[int, int], result: int | Exception) -> None:
        if self is broken:
            raise BrokenPipeError
        deliver(self, result)

    return deliver_or_fail


async def test_missing_results_are_an_error():
    async def forgetful(submitted: Sequence[Pending[int, int]]) -> list[int]:
        return [0] * (len(submitted) - 1)

    batcher = Batcher(forgetful)
    async with asyncio.timeout(1):
        outcomes = await asyncio.gather(submit(batcher, 1), submit(batcher, 2), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]


async def test_too_many_waiting_items_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batcher_module, "WAITING_MAXIMUM", 3)
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    submitted = [await occupied(batcher)]
    submitted += [submit(batcher, number) for number in (11, 12, 13)]
    with pytest.raises(Unavailable) as refusal:
        await batcher.process(14)
    assert (refusal.value.status, refusal.value.retry_after_seconds) == (503, 1)
    doubler.gate.set()
    assert await asyncio.gather(*submitted) == [2, 22, 24, 26]
    assert await submit(batcher, 5) == 10
    assert doubler.batches == [[1], [11, 12, 13], [5]]


def test_each_event_loop_has_its_own_batches():
    batches: list[list[int]] = []

    async def double(submitted: Sequence[Pending[int, int]]) -> list[int]:
        batches.append([pending.item for pending in submitted])
        await asyncio.sleep(0)
        return [2 * pending.item for pending in submitted]

    batcher = Batcher(double)

    def submit_on_its_own_loop(start: int) -> list[int]:
        async def submit_all() -> list[int]:
            return await asyncio.gather(*(submit(batcher, number) for number in range(start, start + 100)))

        return asyncio.run(submit_all())

    starts = [1000 * number for number in range(8)]
    with ThreadPoolExecutor(len(starts)) as threads:
        results = list(threads.map(submit_on_its_own_loop, starts))
    assert results == [[2 * number for number in range(start, start + 100)] for start in starts]
    assert {len({number // 1000 for number in batch}) for batch in batches} == {1}
