"""The windows of a key: whose they are, what is left of them, how they are kept."""

import orjson
import pytest

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.services.key_limits import KeyLimits
from tests.unit.verification.records import record

pytestmark = pytest.mark.unit

NOW = 1_795_000_000_000


def rate_limits(plan: list, own: list) -> list[tuple[str, int, int]]:
    limits = KeyLimits(record(*plan, rate_limits=orjson.dumps(own).decode()), NOW)
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
def test_a_key_s_own_limits_replace_those_of_the_same_name_and_join_the_others(plan: list, own: list, found: list):
    assert rate_limits(plan, own) == found


def test_windows_stand_as_they_are_left():
    limits = KeyLimits(record(("minute", 5, 60), ("hour", 9, 3600)), NOW)
    limits.use(3)
    assert list(limits.statuses()) == [
        RateLimitStatus("minute", 5, 60, 2, NOW + 60_000),
        RateLimitStatus("hour", 9, 3600, 6, NOW + 3_600_000),
    ]


def test_what_is_left_of_a_window_that_was_narrowed_is_nothing_and_not_less():
    wide = KeyLimits(record(("minute", 5, 60)), NOW)
    wide.use(5)
    narrow = KeyLimits(record(("minute", 2, 60), logs=wide.stored()), NOW)
    assert [state.remaining for state in narrow.statuses()] == [0]
    assert not narrow.allow(1)
    assert narrow.wait_ms(1) == 60_000


@pytest.mark.parametrize(("weight", "allowed"), [(1, True), (2, True), (3, False)])
def test_a_weight_must_fit_into_every_window(weight: int, allowed: bool):
    limits = KeyLimits(record(("minute", 5, 60), ("hour", 2, 3600)), NOW)
    assert limits.allow(weight) is allowed


def test_the_wait_is_the_longest_of_the_windows_and_none_when_one_never_has_room():
    limits = KeyLimits(record(("minute", 5, 60), ("hour", 7, 3600)), NOW)
    limits.use(4)
    assert [limits.wait_ms(weight) for weight in (1, 2, 3, 4, 5, 6, 7, 8)] == [
        0, 60_000, 60_000, 3_600_000, 3_600_000, None, None, None,
    ]  # fmt: skip


def test_without_windows_all_is_allowed_and_nothing_is_kept():
    limits = KeyLimits(record(), NOW)
    assert limits.allow(1_000_000)
    limits.use(1_000_000)
    assert (list(limits.statuses()), limits.wait_ms(1), limits.stored()) == ([], 0, "[]")


def test_the_logs_are_kept_by_period_and_read_again():
    limits = KeyLimits(record(("a", 5, 60), ("b", 9, 60), ("c", 9, 3600)), NOW)
    limits.use(2)
    assert sorted(orjson.loads(limits.stored())) == [[60_000, NOW, 2], [3_600_000, NOW, 2]]
    again = KeyLimits(record(("a", 5, 60), ("d", 9, 7200), logs=limits.stored()), NOW + 1)
    # A window of a new period begins with what the longest of the others knows.
    assert [state.remaining for state in again.statuses()] == [3, 7]
    assert sorted(orjson.loads(again.stored())) == [[60_000, NOW, 2], [7_200_000, NOW, 2]]


def test_a_change_of_the_period_and_back_forgives_nothing():
    plan, logs = ("a", 2, 60), "[]"
    for window in (plan, ("a", 2, 3600), plan):
        limits = KeyLimits(record(window, logs=logs), NOW)
        if limits.allow(1):
            limits.use(1)
        logs = limits.stored()
    assert not KeyLimits(record(plan, logs=logs), NOW).allow(1)
