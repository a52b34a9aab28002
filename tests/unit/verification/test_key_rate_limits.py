"""The rate limits of a key: which apply, their statuses, and how counters are stored."""

import orjson
import pytest

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.services.key_rate_limits import KeyRateLimits
from tests.unit.verification.records import record

pytestmark = pytest.mark.unit

NOW = 1_795_000_000_000


def rate_limits(plan: list, own: list) -> list[tuple[str, int, int]]:
    limits = KeyRateLimits(record(*plan, rate_limits=orjson.dumps(own).decode()), NOW)
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
    limits = KeyRateLimits(record(("minute", 5, 60), ("hour", 9, 3600)), NOW)
    limits.use(3)
    assert list(limits.statuses()) == [
        RateLimitStatus("minute", 5, 60, 2, NOW + 60_000),
        RateLimitStatus("hour", 9, 3600, 6, NOW + 3_600_000),
    ]


def test_nothing_remains_of_a_lowered_limit():
    wide = KeyRateLimits(record(("minute", 5, 60)), NOW)
    wide.use(5)
    narrow = KeyRateLimits(record(("minute", 2, 60), counters=wide.stored()), NOW)
    assert [status.remaining for status in narrow.statuses()] == [0]
    assert not narrow.allow(1)
    assert narrow.wait_ms(1) == 60_000


@pytest.mark.parametrize(("weight", "allowed"), [(1, True), (2, True), (3, False)])
def test_a_weight_must_fit_into_every_rate_limit(weight: int, allowed: bool):
    limits = KeyRateLimits(record(("minute", 5, 60), ("hour", 2, 3600)), NOW)
    assert limits.allow(weight) is allowed


def test_the_wait_is_the_longest_and_none_above_a_limit():
    limits = KeyRateLimits(record(("minute", 5, 60), ("hour", 7, 3600)), NOW)
    limits.use(4)
    assert [limits.wait_ms(weight) for weight in (1, 2, 3, 4, 5, 6, 7, 8)] == [
        0, 60_000, 60_000, 3_600_000, 3_600_000, None, None, None,
    ]  # fmt: skip


def test_without_rate_limits_nothing_is_counted():
    limits = KeyRateLimits(record(), NOW)
    assert limits.allow(1_000_000)
    limits.use(1_000_000)
    assert (list(limits.statuses()), limits.wait_ms(1), limits.stored()) == ([], 0, "[]")


def test_counters_are_stored_by_period():
    limits = KeyRateLimits(record(("a", 5, 60), ("b", 9, 60), ("c", 9, 3600)), NOW)
    limits.use(2)
    assert sorted(orjson.loads(limits.stored())) == [[60_000, NOW, 2], [3_600_000, NOW, 2]]
    again = KeyRateLimits(record(("a", 5, 60), ("d", 9, 7200), counters=limits.stored()), NOW + 1)
    # A rate limit with a new period begins with the entries of the longest.
    assert [status.remaining for status in again.statuses()] == [3, 7]
    assert sorted(orjson.loads(again.stored())) == [[60_000, NOW, 2], [7_200_000, NOW, 2]]


def test_changing_the_period_and_back_frees_nothing():
    plan, stored = ("a", 2, 60), "[]"
    for rate_limit in (plan, ("a", 2, 3600), plan):
        limits = KeyRateLimits(record(rate_limit, counters=stored), NOW)
        if limits.allow(1):
            limits.use(1)
        stored = limits.stored()
    assert not KeyRateLimits(record(plan, counters=stored), NOW).allow(1)
