"""Beside a batch that has stalled, which waits for a lock, the batcher processes what waits."""

import asyncio
from collections.abc import Sequence

import pytest

from apps.verification.services import batcher as batcher_module
from apps.verification.services.batcher import BATCHES_MAXIMUM, Batcher, Pending
from tests.unit.verification.doubler import Doubler, begun, occupied, submit

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("_stalled_soon")]


async def _stalled() -> None:
    """Wait until the batches that run now count as stalled."""
    await asyncio.sleep(2 * batcher_module.STALLED_SECONDS)


@pytest.fixture
def _stalled_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time after which another batch may begin."""
    monkeypatch.setattr(batcher_module, "STALLED_SECONDS", 0.01)


async def test_items_that_wait_for_a_stalled_batch_are_a_second_and_no_third():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    submitted = [await occupied(batcher)]
    submitted += [submit(batcher, number) for number in range(10, 13)]
    await _stalled()
    assert doubler.batches == [[1], [10, 11, 12]]
    submitted += [submit(batcher, number) for number in range(20, 23)]
    await _stalled()
    assert len(doubler.batches) == BATCHES_MAXIMUM
    doubler.gate.set()
    async with asyncio.timeout(1):
        assert await asyncio.gather(*submitted) == [2, 20, 22, 24, 40, 42, 44]
    assert doubler.batches == [[1], [10, 11, 12], [20, 21, 22]]


async def test_an_item_that_finds_a_stalled_batch_does_not_wait():
    doubler = Doubler(is_open=False)
    batcher = Batcher(doubler)
    before = await occupied(batcher)
    await _stalled()
    submitted = submit(batcher, 10)
    await begun()
    assert doubler.batches == [[1], [10]]
    doubler.gate.set()
    assert [await before, await submitted] == [2, 20]


async def test_beside_a_stalled_batch_the_others_follow_each_other():
    lock = asyncio.Event()

    async def process_batch(submitted: Sequence[Pending[int, int]]) -> list[int]:
        await lock.wait() if submitted[0].item == 1 else await asyncio.sleep(0)
        return [2 * pending.item for pending in submitted]

    batcher = Batcher(process_batch)
    stalled = submit(batcher, 1)
    await _stalled()
    async with asyncio.timeout(1):
        assert [await submit(batcher, number) for number in range(10, 20)] == [2 * number for number in range(10, 20)]
        during = submit(batcher, 20)
        await begun(1)
        assert [await during, await submit(batcher, 21)] == [40, 42]
    assert not stalled.done()
    lock.set()
    assert await stalled == 2
    assert await submit(batcher, 30) == 60


async def test_all_items_are_processed_in_a_bounded_number_of_batches():
    sizes: list[int] = []
    under_way, most = 0, 0

    async def process_batch(submitted: Sequence[Pending[int, int]]) -> list[int]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        sizes.append(len(submitted))
        # Every seventh batch stalls.
        await asyncio.sleep(0 if len(sizes) % 7 else 3 * batcher_module.STALLED_SECONDS)
        under_way -= 1
        return [2 * pending.item for pending in submitted]

    batcher = Batcher(process_batch)
    submitted = []
    for number in range(1600):
        submitted.append(submit(batcher, number))
        await begun(int(number % 16 == 0))
    async with asyncio.timeout(5):
        assert await asyncio.gather(*submitted) == [2 * number for number in range(1600)]
    assert most == BATCHES_MAXIMUM
    assert sum(sizes) == 1600
