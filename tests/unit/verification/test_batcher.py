"""The batcher: order, batches under load, askers that leave, errors, overflow, several event loops."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.core.errors import Unavailable
from apps.verification.services import batcher as batcher_module
from apps.verification.services.batcher import BATCH_SIZE_MAXIMUM, Batcher


class Answerer:
    """Doubles numbers, batch by batch, when it is let."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        if is_open:
            self.gate.set()

    async def __call__(self, questions: Sequence[int]) -> list[int]:
        self.batches.append(list(questions))
        await self.gate.wait()
        if -1 in questions:
            raise LookupError("minus one")
        return [2 * question for question in questions]


async def _begun(tasks: int = 3) -> None:
    for _ in range(tasks):
        await asyncio.sleep(0)


async def test_alone_it_is_answered_at_once():
    answerer = Answerer()
    assert await Batcher(answerer).ask(21) == 42
    assert answerer.batches == [[21]]


async def test_what_waits_together_is_answered_together_in_order():
    answerer = Answerer(is_open=False)
    batcher = Batcher(answerer)
    first = asyncio.create_task(batcher.ask(0))
    await _begun()
    others = [asyncio.create_task(batcher.ask(number)) for number in range(1, 6)]
    await _begun()
    assert answerer.batches == [[0]]
    answerer.gate.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10]
    assert answerer.batches == [[0], [1, 2, 3, 4, 5]]


async def test_a_batch_has_a_largest_size():
    answerer = Answerer()
    batcher = Batcher(answerer)
    numbers = range(BATCH_SIZE_MAXIMUM * 2 + 1)
    assert await asyncio.gather(*(batcher.ask(number) for number in numbers)) == [2 * number for number in numbers]
    assert [len(batch) for batch in answerer.batches] == [BATCH_SIZE_MAXIMUM, BATCH_SIZE_MAXIMUM, 1]
    assert [number for batch in answerer.batches for number in batch] == list(numbers)


async def test_whose_asker_has_gone_is_dropped():
    answerer = Answerer(is_open=False)
    batcher = Batcher(answerer)
    asked = [asyncio.create_task(batcher.ask(0))]
    await _begun()
    asked += [asyncio.create_task(batcher.ask(number)) for number in (1, 2, 3)]
    await _begun()
    asked[2].cancel()
    answerer.gate.set()
    assert await asyncio.gather(*asked[:2], asked[3]) == [0, 2, 6]
    assert answerer.batches == [[0], [1, 3]]
    assert asked[2].cancelled()


async def test_an_asker_that_leaves_during_its_batch_harms_nobody():
    answerer = Answerer(is_open=False)
    batcher = Batcher(answerer)
    asked = [asyncio.create_task(batcher.ask(number)) for number in (1, 2)]
    await _begun()
    asked[0].cancel()
    answerer.gate.set()
    assert await asked[1] == 4
    assert answerer.batches == [[1, 2]]


async def test_an_error_reaches_every_asker_of_its_batch_and_no_other():
    answerer = Answerer(is_open=False)
    batcher = Batcher(answerer)
    before = asyncio.create_task(batcher.ask(7))
    await _begun()
    failing = [asyncio.create_task(batcher.ask(number)) for number in (-1, 1, 2)]
    await _begun()
    answerer.gate.set()
    outcomes = await asyncio.gather(*failing, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["minus one"] * 3
    assert {type(outcome) for outcome in outcomes} == {LookupError}
    assert await before == 14
    assert await batcher.ask(3) == 6
    assert answerer.batches == [[7], [-1, 1, 2], [3]]


async def test_too_few_answers_are_an_error_for_somebody_and_not_silence():
    async def forgetful(questions: Sequence[int]) -> list[int]:
        return [0] * (len(questions) - 1)

    with pytest.raises(ValueError, match="shorter"):
        async with asyncio.timeout(1):
            await Batcher(forgetful).ask(1)


async def test_too_many_waiting_are_refused_and_the_others_answered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batcher_module, "WAITING_MAXIMUM", 3)
    answerer = Answerer(is_open=False)
    batcher = Batcher(answerer)
    asked = [asyncio.create_task(batcher.ask(0))]
    await _begun()
    asked += [asyncio.create_task(batcher.ask(number)) for number in (1, 2, 3)]
    await _begun()
    with pytest.raises(Unavailable) as refusal:
        await batcher.ask(4)
    assert (refusal.value.status, refusal.value.retry_after_seconds) == (503, 1)
    answerer.gate.set()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6]
    assert await batcher.ask(5) == 10
    assert answerer.batches == [[0], [1, 2, 3], [5]]


def test_each_event_loop_has_batches_of_its_own():
    batches: list[list[int]] = []

    async def double(questions: Sequence[int]) -> list[int]:
        batches.append(list(questions))
        await asyncio.sleep(0)
        return [2 * question for question in questions]

    batcher = Batcher(double)

    def ask_on_a_loop_of_its_own(start: int) -> list[int]:
        async def ask() -> list[int]:
            return await asyncio.gather(*(batcher.ask(number) for number in range(start, start + 100)))

        return asyncio.run(ask())

    starts = [1000 * number for number in range(8)]
    with ThreadPoolExecutor(len(starts)) as threads:
        answers = list(threads.map(ask_on_a_loop_of_its_own, starts))
    assert answers == [[2 * number for number in range(start, start + 100)] for start in starts]
    assert {len({number // 1000 for number in batch}) for batch in batches} == {1}
