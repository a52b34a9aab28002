"""Rows are deleted in batches until none are left."""

import pytest

from apps.core.background.clean_up import BATCH_SIZE, in_batches

pytestmark = pytest.mark.unit


class Rows:
    """A number of rows, and the batch sizes that were requested."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.requested: list[int] = []

    async def remove(self, maximum: int) -> int:
        removed = min(self.count, maximum)
        self.count -= removed
        self.requested.append(maximum)
        return removed


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 2), (2, 2), (5, 4)])
async def test_batches_continue_until_nothing_is_deleted(count: int, calls: int):
    rows = Rows(count)
    assert await in_batches(rows.remove, batch_size=2)() == count
    assert (rows.count, rows.requested) == (0, [2] * calls)


async def test_default_batch_size_is_used():
    rows = Rows(BATCH_SIZE + 1)
    assert await in_batches(rows.remove)() == BATCH_SIZE + 1
    assert rows.requested == [BATCH_SIZE] * 3
