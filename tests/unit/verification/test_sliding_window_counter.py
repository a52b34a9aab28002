"""The sliding window counter: never more than the limit in any interval, exact waits, and few entries."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.verification.services.sliding_window_counter import SlidingWindowCounter
from tests.unit.verification.counters import HOUR, MINUTE, NOW, PERIODS, counter_at, reopened, steps, stored

pytestmark = pytest.mark.unit

ENTRIES_MAXIMUM = 121  # sixty exact entries, and the slots that a period touches


def used_by(period_ms: int, *moments: int) -> SlidingWindowCounter:
    counter = counter_at(moments[0], period_ms=period_ms)
    for moment in moments:
        counter = reopened(counter, moment)
        counter.add(1)
    return counter


def test_an_empty_counter():
    counter = counter_at(NOW)
    assert (counter.used, counter.wait_ms(0), counter.reset_at_ms, stored(counter)) == (0, 0, NOW, [MINUTE])


def test_added_weights_are_used_and_stored():
    counter = counter_at(NOW)
    counter.add(3)
    counter.add(2)
    assert (counter.used, stored(counter)) == (5, [MINUTE, NOW, 5])
    assert reopened(counter, NOW + 1).used == 5


@pytest.mark.parametrize(("passed", "used"), [(0, 1), (MINUTE - 1, 1), (MINUTE, 0), (MINUTE + 1, 0), (HOUR, 0)])
def test_a_call_counts_for_one_period(passed: int, used: int):
    counter = used_by(MINUTE, NOW)
    assert reopened(counter, NOW + passed).used == used


def test_calls_stop_counting_one_after_the_other():
    counter = used_by(MINUTE, NOW, NOW + 10_000, NOW + 20_000)
    later = [NOW + MINUTE - 1, NOW + MINUTE, NOW + MINUTE + 10_000, NOW + MINUTE + 20_000]
    assert [reopened(counter, moment).used for moment in later] == [3, 2, 1, 0]


@pytest.mark.parametrize(("used_maximum", "wait_ms"), [(0, 60_000), (1, 50_000), (2, 40_000), (3, 0), (4, 0)])
def test_the_wait_is_until_enough_calls_have_stopped_counting(used_maximum: int, wait_ms: int):
    counter = used_by(MINUTE, NOW, NOW + 10_000, NOW + 20_000)
    assert counter.wait_ms(used_maximum) == wait_ms


def test_few_calls_have_exact_entries():
    counter = used_by(MINUTE, NOW, NOW + 1, NOW + 1, NOW + 2)
    assert stored(counter) == [MINUTE, NOW, 1, NOW + 1, 2, NOW + 2, 1]


def test_many_calls_of_one_slot_share_an_entry():
    edge = NOW - NOW % 1000 + 1000
    many = range(edge - 20_000, edge - 8_000, 200)
    counter = used_by(MINUTE, *many, edge - 900, edge - 1, edge, edge + 999)
    assert len(many) == 60
    assert stored(counter)[1 + 2 * 60 :] == [edge - 1, 2, edge + 999, 2]


def test_after_sixty_entries_a_call_shares_the_entry_of_its_slot():
    # A slot of a second is 17 ms, a sixtieth rounded up. One of 16 ms would also begin at this edge.
    edge = NOW - NOW % (17 * 16)
    counter = used_by(1000, *range(edge - 59, edge + 1))
    for made_ms in (edge + 16, edge + 17):
        counter = reopened(counter, made_ms - 1, made_ms)
        counter.add(1)
    assert stored(counter)[1 + 2 * 59 :] == [edge + 16, 2, edge + 17, 1]


def test_a_limit_of_sixty_is_exact():
    counter, allowed = counter_at(NOW), []
    for moment in range(NOW, NOW + 5 * MINUTE, 997):
        counter = reopened(counter, moment)
        if counter.used < 60:
            counter.add(1)
            allowed.append(moment)
        else:
            assert sum(moment - MINUTE < other for other in allowed) == 60


def test_entries_of_a_clock_that_was_set_back_count_as_made_now():
    counter = counter_at(NOW + 1000, NOW, 1, NOW + 365 * 24 * HOUR, 1)
    assert (counter.used, counter.wait_ms(0), counter.reset_at_ms) == (2, MINUTE, NOW + 1000 + MINUTE)
    assert counter.wait_ms(1) == MINUTE - 1000  # the other entry keeps its time
    assert reopened(counter, NOW + 1000 + MINUTE).used == 0


@pytest.mark.parametrize(("ahead_ms", "made_ms"), [(14_999, 14_999), (15_000, 15_000), (15_001, 1)])
def test_an_entry_may_be_fifteen_seconds_ahead_of_the_clock(ahead_ms: int, made_ms: int):
    counter = counter_at(NOW, NOW + ahead_ms, 2, made_ms=NOW + 1)
    assert stored(counter) == [MINUTE, NOW + made_ms, 2]
    assert (counter.used, counter.reset_at_ms) == (2, NOW + made_ms + MINUTE)


def test_a_call_of_a_clock_behind_is_stored_with_the_newest_call():
    counter = counter_at(NOW, NOW + 10_000, 1, made_ms=NOW + 1)
    counter.add(1)
    assert stored(counter) == [MINUTE, NOW + 10_000, 2]
    assert (counter.now_ms, counter.wait_ms(0), counter.wait_ms(2)) == (NOW + 9_999, MINUTE + 1, 0)


def test_the_whole_limit_is_available_at_the_reset():
    counter = used_by(MINUTE, NOW, NOW + 30_000)
    assert counter.reset_at_ms == NOW + 30_000 + MINUTE
    assert reopened(counter, counter.reset_at_ms - 1).used == 1
    assert reopened(counter, counter.reset_at_ms).used == 0


def test_steady_traffic_uses_the_whole_limit_and_no_more():
    limit, counter = 60, counter_at(NOW)
    allowed = []
    for moment in range(NOW, NOW + 10 * MINUTE, 250):
        counter = reopened(counter, moment)
        if counter.used < limit:
            counter.add(1)
            allowed.append(moment)
    a_minute_on = [sum(start <= moment < start + MINUTE for moment in allowed) for start in allowed[:-limit]]
    assert max(a_minute_on) == limit
    # Four calls a second; the rounding to a slot delays a call by up to a second.
    assert len(allowed) >= limit * 10 * MINUTE // (MINUTE + 1000)
    assert counter.reset_at_ms == allowed[-1] + MINUTE


def test_a_clock_behind_the_newest_call_frees_nothing():
    counter = used_by(MINUTE, NOW, NOW + 10_000)
    behind = reopened(counter, NOW - 4_000)
    assert behind.used == 2
    behind.add(1)
    assert stored(behind) == [MINUTE, NOW, 1, NOW + 10_000, 2]
    assert behind.wait_ms(2) == 50_000
    assert behind.reset_at_ms == NOW + 10_000 + MINUTE


@given(st.sampled_from(PERIODS), st.integers(0, HOUR), st.lists(steps, min_size=1, max_size=80), st.integers(1, 5))
@example(1000, 15, [1] * 80, 2)
def test_no_interval_of_a_period_contains_more_than_the_limit(period_ms: int, start: int, gaps: list[int], limit: int):
    allowed = _allowed(period_ms, NOW + start, gaps, limit)
    for moment in allowed:
        assert sum(moment <= other < moment + period_ms for other in allowed) <= limit


def _allowed(period_ms: int, moment: int, gaps: list[int], limit: int) -> list[int]:
    allowed, counter = [], counter_at(moment, period_ms=period_ms)
    for gap in gaps:
        moment += gap
        counter = reopened(counter, moment)
        if counter.used + 1 <= limit:
            counter.add(1)
            allowed.append(moment)
    return allowed


@given(st.sampled_from(PERIODS), st.integers(0, HOUR), st.lists(steps, min_size=1, max_size=80), st.integers(1, 5))
def test_calls_stop_counting_after_a_period_and_a_slot(period_ms: int, start: int, gaps: list[int], limit: int):
    allowed = _allowed(period_ms, NOW + start, gaps, limit)
    counter = used_by(period_ms, *allowed)
    slot_ms = period_ms / 60
    for moment in range(allowed[-1], allowed[-1] + 2 * period_ms, max(1, period_ms // 50)):
        kept = sum(moment - made < period_ms for made in allowed)
        kept_at_most = sum(moment - made < period_ms + slot_ms for made in allowed)
        assert kept <= reopened(counter, moment).used <= kept_at_most


@given(
    st.sampled_from(PERIODS),
    st.integers(0, HOUR),
    st.lists(st.tuples(steps, st.integers(1, 9)), min_size=1, max_size=60),
    st.integers(0, 30),
)
def test_the_wait_is_exact_to_the_millisecond(
    period_ms: int, start: int, calls: list[tuple[int, int]], used_maximum: int
):
    moment = NOW + start
    counter = counter_at(moment, period_ms=period_ms)
    for gap, weight in calls:
        moment += gap
        counter = reopened(counter, moment)
        counter.add(weight)
    wait_ms = counter.wait_ms(used_maximum)
    assert reopened(counter, moment + wait_ms).used <= used_maximum
    if wait_ms:
        assert reopened(counter, moment + wait_ms - 1).used > used_maximum


@pytest.mark.parametrize("period_ms", PERIODS)
@pytest.mark.parametrize("start", [0, 1, 15, 500, 999])
def test_a_counter_stays_small(period_ms: int, start: int):
    counter = counter_at(NOW + start, period_ms=period_ms)
    sizes = set()
    for moment in range(NOW + start, NOW + start + 2 * period_ms, max(1, period_ms // 1000)):
        counter = reopened(counter, moment)
        counter.add(1)
        sizes.add(len(stored(counter)) // 2)
    assert max(sizes) <= ENTRIES_MAXIMUM
    assert max(sizes) >= 58
    assert counter.used <= 1000 + 1000 // 60 + 2
