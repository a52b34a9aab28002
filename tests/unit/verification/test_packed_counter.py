"""The packed sliding window counter counts as one on a list does, and keeps weights that no entry can hold."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.verification.services.sliding_window_counter import (
    AHEAD_MS,
    ENTRY,
    WEIGHT_MAXIMUM,
    SlidingWindowCounter,
    packed,
)
from tests.unit.verification.counters import HOUR, MINUTE, NOW, PERIODS, counter_at, reopened, steps, stored
from tests.unit.verification.list_counter import ListCounter

pytestmark = pytest.mark.unit

# The clock may be set back, also by much; calls are made up to a millisecond after the moment that is read.
moves = st.one_of(steps, st.sampled_from([-1, -999, -AHEAD_MS, -AHEAD_MS - 1, -HOUR, HOUR]))
calls = st.tuples(moves, st.integers(0, 1), st.lists(st.integers(1, 1_000_000), max_size=3))


@given(st.sampled_from(PERIODS), st.lists(calls, max_size=100))
@example(1000, [(15, 0, [1])] * 100)
@example(MINUTE, [(0, 0, [1]), (-AHEAD_MS, 1, [1]), (-1, 1, [2]), (MINUTE, 0, [3])])
def test_the_packed_counter_equals_one_on_a_list(period_ms: int, batches: list[tuple[int, int, list[int]]]):
    counter, plain, moment = counter_at(NOW, period_ms=period_ms), ListCounter(period_ms, [], NOW), NOW
    for gap, rounded, weights in batches:
        moment += gap
        counter = reopened(counter, moment, moment + rounded)
        plain = ListCounter(period_ms, plain.stored()[1:], moment, moment + rounded)
        assert _facts(counter) == _facts(plain)
        for weight in weights:
            counter.add(weight)
            plain.add(weight)
        assert stored(counter) == plain.stored()
        assert _facts(counter) == _facts(plain)


def _facts(counter: SlidingWindowCounter | ListCounter) -> list[int]:
    waits = [
        counter.wait_ms(maximum) for maximum in (0, counter.used // 2, counter.used - 1, counter.used) if maximum >= 0
    ]
    return [counter.used, counter.now_ms, counter.reset_at_ms, *waits]


@given(
    st.sampled_from(PERIODS),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([1, 2**31, WEIGHT_MAXIMUM])), max_size=30),
)
@example(MINUTE, [(0, WEIGHT_MAXIMUM), (0, 1), (0, WEIGHT_MAXIMUM), (1, 1)])
def test_weights_that_are_too_large_for_one_entry_are_several(period_ms: int, sent: list[tuple[int, int]]):
    counter, plain, moment = counter_at(NOW, period_ms=period_ms), ListCounter(period_ms, [], NOW), NOW
    for gap, weight in sent:
        moment += gap
        counter, plain = reopened(counter, moment), ListCounter(period_ms, plain.stored()[1:], moment)
        counter.add(weight)
        plain.add(weight)
        assert _facts(counter) == _facts(plain)
        assert _joined(stored(counter)) == _joined(plain.stored())


def _joined(stored_counter: list[int]) -> dict[int, int]:
    """Return what is used at each time."""
    found: dict[int, int] = {}
    for made_ms, weight in zip(stored_counter[1::2], stored_counter[2::2], strict=True):
        found[made_ms] = found.get(made_ms, 0) + weight
    return found


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(1, 2**35)), max_size=5))
@example([(NOW, WEIGHT_MAXIMUM + 1)])
def test_packed_entries_have_the_same_weight(entries: list[tuple[int, int]]):
    made = list(ENTRY.iter_unpack(packed(entries)))
    assert sum(weight for _, weight in made) == sum(weight for _, weight in entries)
    assert {made_ms for made_ms, _ in made} == {made_ms for made_ms, _ in entries}
    assert all(0 < weight <= WEIGHT_MAXIMUM for _, weight in made)
    times = [made_ms for made_ms, _ in entries]
    assert [made_ms for made_ms, following in pairwise([*(each for each, _ in made), -1]) if made_ms != following] == [
        made_ms for made_ms, following in pairwise([*times, -1]) if made_ms != following
    ]
