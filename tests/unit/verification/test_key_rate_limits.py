"""The rate limits of a key: which apply, their statuses, and how counters are stored."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.rate_limits.rate_limit import RateLimit, RateLimitStatus
from apps.verification.services.key_rate_limits import COUNTER, KeyRateLimits, with_windows
from apps.verification.services.sliding_window_counter import ENTRY
from tests.unit.verification.records import record

pytestmark = pytest.mark.unit

NOW = 1_795_000_000_000


def opened(*plan: Sequence[Any], stored: bytes = b"", now_ms: int = NOW, **changes: Any) -> KeyRateLimits:
    """Return the rate limits of a key whose plan has these, and their counters."""
    return KeyRateLimits(record(*map(tuple, plan), **changes).rate_limits, stored, now_ms)


def counters_in(stored: bytes) -> list[list[int]]:
    """Return for each counter its period, what is used, then the times and weights of its entries."""
    found, place = [], 0
    while place < len(stored):
        period_ms, used, length = COUNTER.unpack_from(stored, place)
        place += COUNTER.size
        entries = ENTRY.iter_unpack(stored[place : place + length])
        found.append([period_ms, used, *(number for entry in entries for number in entry)])
        place += length
    return sorted(found)


def rate_limits(plan: list, own: list) -> list[tuple[str, int, int]]:
    limits = opened(*plan, rate_limits=orjson.dumps(own).decode())
    return [status[:3] for status in limits.statuses()]


def own_limit(name: str, limit: int, period_seconds: int) -> dict[str, str | int]:
    return {"name": name, "limit": limit, "period_seconds": period_seconds}


@pytest.mark.parametrize(
    ("plan", "own", "found"),
    [
        ([], [], []),
        ([["minute", 5, 60]], [], [("minute", 5, 60)]),
        ([["hour", 9, 3600], ["minute", 5, 60]], [], [("minute", 5, 60), ("hour", 9, 3600)]),
        ([], [own_limit("burst", 2, 1)], [("burst", 2, 1)]),
        ([["minute", 5, 60]], [own_limit("burst", 2, 1)], [("burst", 2, 1), ("minute", 5, 60)]),
        ([["minute", 5, 60]], [own_limit("minute", 7, 60)], [("minute", 7, 60)]),
        ([["a", 5, 60], ["hour", 9, 3600]], [own_limit("a", 7, 7200)], [("hour", 9, 3600), ("a", 7, 7200)]),
        ([["minute", 5, 60]], [own_limit("Minute", 7, 60)], [("minute", 5, 60), ("Minute", 7, 60)]),
    ],
)  # fmt: skip
def test_a_keys_own_rate_limits_replace_those_of_the_same_name(plan: list, own: list, found: list):
    assert rate_limits(plan, own) == found


def test_statuses_after_use():
    limits = opened(("minute", 5, 60), ("hour", 9, 3600))
    limits.use(3)
    assert list(limits.statuses()) == [
        RateLimitStatus("minute", 5, 60, 2, NOW + 60_000),
        RateLimitStatus("hour", 9, 3600, 6, NOW + 3_600_000),
    ]


def test_nothing_remains_of_a_lowered_limit():
    wide = opened(("minute", 5, 60))
    wide.use(5)
    narrow = opened(("minute", 2, 60), stored=wide.stored())
    assert [status.remaining for status in narrow.statuses()] == [0]
    assert narrow.exceeded_by(1) == RateLimit(name="minute", limit=2, period_seconds=60)
    assert narrow.wait_ms(1) == 60_000


@pytest.mark.parametrize(("weight", "name"), [(1, None), (2, None), (3, "hour"), (5, "hour"), (6, "minute")])
def test_a_weight_must_fit_into_every_rate_limit(weight: int, name: str | None):
    limits = opened(("minute", 5, 60), ("hour", 2, 3600))
    exceeded = limits.exceeded_by(weight)
    assert (exceeded and exceeded.name) == name


def test_the_wait_is_the_longest_and_none_above_a_limit():
    limits = opened(("minute", 5, 60), ("hour", 7, 3600))
    limits.use(4)
    assert [limits.wait_ms(weight) for weight in (1, 2, 3, 4, 5, 6, 7, 8)] == [
        0, 60_000, 60_000, 3_600_000, 3_600_000, None, None, None,
    ]  # fmt: skip


def test_without_rate_limits_nothing_is_counted():
    limits = opened()
    assert limits.exceeded_by(1_000_000) is None
    limits.use(1_000_000)
    assert (list(limits.statuses()), limits.wait_ms(1), limits.stored()) == ([], 0, b"")


def test_counters_are_stored_by_period():
    limits = opened(("a", 5, 60), ("b", 9, 60), ("c", 9, 3600))
    limits.use(2)
    assert counters_in(limits.stored()) == [[60_000, 2, NOW, 2], [3_600_000, 2, NOW, 2]]
    again = opened(("a", 5, 60), ("d", 9, 7200), stored=limits.stored(), now_ms=NOW + 1)
    # A rate limit with a new period begins with the entries of the longest.
    assert [status.remaining for status in again.statuses()] == [3, 7]
    assert counters_in(again.stored()) == [[60_000, 2, NOW, 2], [7_200_000, 2, NOW, 2]]


def test_changing_the_period_and_back_frees_nothing():
    plan, stored = ("a", 2, 60), b""
    for rate_limit in (plan, ("a", 2, 3600), plan):
        limits = opened(rate_limit, stored=stored)
        if not limits.exceeded_by(1):
            limits.use(1)
        stored = limits.stored()
    assert opened(plan, stored=stored).exceeded_by(1)


WINDOWS = [[60_000, NOW - 5, 1, NOW, 2], [3_600_000, NOW - 5, 1, NOW, 2]]


def test_counters_of_an_earlier_version_are_read():
    stored = with_windows(b"", orjson.dumps(WINDOWS).decode())
    assert counters_in(stored) == [[60_000, 3, NOW - 5, 1, NOW, 2], [3_600_000, 3, NOW - 5, 1, NOW, 2]]
    limits = opened(("minute", 5, 60), ("hour", 9, 3600), stored=stored)
    assert [status.remaining for status in limits.statuses()] == [2, 6]


def test_counters_of_an_earlier_version_are_merged_in_order_of_time():
    limits = opened(("minute", 9, 60), ("day", 9, 86_400), now_ms=NOW - 3)
    limits.use(4)
    assert counters_in(with_windows(limits.stored(), orjson.dumps(WINDOWS).decode())) == [
        [60_000, 7, NOW - 5, 1, NOW - 3, 4, NOW, 2],
        [3_600_000, 3, NOW - 5, 1, NOW, 2],
        [86_400_000, 4, NOW - 3, 4],
    ]


@pytest.mark.parametrize("stored", [b"", b"any"])
def test_without_counters_of_an_earlier_version_nothing_changes(stored: bytes):
    assert with_windows(stored, "[]") is stored


@pytest.mark.parametrize("weight", [2**32 - 1, 2**32, 2**33 + 5])
def test_a_large_weight_of_an_earlier_version_is_kept(weight: int):
    stored = with_windows(b"", orjson.dumps([[60_000, NOW, weight]]).decode())
    (counter,) = counters_in(stored)
    assert counter[:2] == [60_000, weight]
    assert sum(counter[3::2]) == weight
    limits = opened(("minute", 2**34, 60), stored=stored)
    limits.use(1)
    assert [status.remaining for status in limits.statuses()] == [2**34 - weight - 1]
    ((_, used, *entries),) = counters_in(limits.stored())
    assert used == weight + 1 == sum(entries[1::2])


@given(
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 5)), max_size=30),
    st.lists(st.sampled_from([1, 60, 61, 3600]), min_size=1, max_size=3, unique=True),
)
def test_what_is_stored_as_used_is_the_sum_of_the_entries(calls: list[tuple[int, int]], periods: list[int]):
    stored, now_ms = b"", NOW
    for gap, weight in calls:
        now_ms += gap
        # In turn, so that periods come and go.
        plan = [(f"limit {period}", 1_000_000, period) for period in periods[: 1 + now_ms % len(periods)]]
        limits = opened(*plan, stored=stored, now_ms=now_ms)
        if weight:
            limits.use(weight)
        stored = limits.stored()
        for _, used, *entries in counters_in(stored):
            assert used == sum(entries[1::2])
