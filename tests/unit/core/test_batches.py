"""Rows are removed a batch at a time, until there are none."""

import pytest

from apps.core.database.batches import BATCH_SIZE, remove_in_batches

pytestmark = pytest.mark.unit


class Rows:
    """So many rows, and the sizes of the batches that were asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[int] = []

    async def remove(self, maximum: int) -> int:
        removed = min(self.count, maximum)
        self.count -= removed
        self.asked.append(maximum)
        return removed


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 2), (2, 2), (5, 4)])
async def test_it_goes_on_until_nothing_is_left(count: int, calls: int):
    rows = Rows(count)
    assert await remove_in_batches(rows.remove, batch_size=2) == count
    assert (rows.count, rows.asked) == (0, [2] * calls)


async def test_a_batch_is_large_and_bounded():
    rows = Rows(BATCH_SIZE + 1)
    assert await remove_in_batches(rows.remove) == BATCH_SIZE + 1
    assert rows.asked == [BATCH_SIZE] * 3
