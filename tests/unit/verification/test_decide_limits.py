"""decide(): the windows of a key, within a batch and from one batch to the next."""

from datetime import datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from apps.verification.domain import BatchEffects, Code, KeyRecord, Verdict, VerificationQuery
from tests.unit.verification.records import MOMENT, NOW, outcome, question, record, verdicts_on

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)


def codes(key: KeyRecord, *questions: VerificationQuery, now: datetime = NOW) -> list[Code]:
    return [verdict.code for verdict in verdicts_on([key], questions, now=now)]


def left(verdict: Verdict) -> dict[str, int]:
    return {window.name: window.remaining for window in verdict.rate_limits}


def after(key: KeyRecord, *questions: VerificationQuery, now: datetime = NOW) -> KeyRecord:
    """Return the key as the next batch finds it."""
    _, consequences = outcome([key], *questions, now=now)
    (spending,) = consequences.spendings
    return key._replace(logs=spending.logs, budget_spent=spending.budget_spent)


def test_as_many_as_the_limit_are_allowed_and_told_what_is_left():
    verdicts = verdicts_on([record(("minute", 3, 60))], [question()] * 5)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 3 + [Code.RATE_LIMITED] * 2
    assert [left(verdict)["minute"] for verdict in verdicts] == [2, 1, 0, 0, 0]
    (window,) = verdicts[0].rate_limits
    assert (window.limit, window.period_seconds) == (3, 60)


def test_without_windows_nothing_is_limited():
    verdicts = verdicts_on([record()], [question(weight=1_000_000)] * 100)
    assert {(verdict.code, *verdict.rate_limits, verdict.retry_after_ms) for verdict in verdicts} == {
        (Code.VALID, None)
    }


def test_all_windows_or_none():
    key = record(("minute", 10, 60), ("hour", 2, 3600))
    verdicts = verdicts_on([key], [question()] * 4)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 2 + [Code.RATE_LIMITED] * 2
    assert left(verdicts[-1]) == {"minute": 8, "hour": 0}


def test_windows_are_told_in_order_of_their_periods():
    key = record(("day", 9, 86400), ("minute", 9, 60), ("hour", 9, 3600))
    (verdict,) = verdicts_on([key], [question()])
    assert [window.name for window in verdict.rate_limits] == ["minute", "hour", "day"]


def test_a_weight_counts_as_many_calls():
    key = record(("minute", 10, 60))
    verdicts = verdicts_on([key], [question(weight=4), question(weight=7), question(weight=6), question()])
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.RATE_LIMITED, Code.VALID, Code.RATE_LIMITED]
    assert [left(verdict)["minute"] for verdict in verdicts] == [6, 6, 0, 0]


def test_a_large_refused_call_does_not_block_a_small_one():
    assert codes(record(("minute", 5, 60)), question(weight=3), question(weight=3), question(weight=2)) == [
        Code.VALID, Code.RATE_LIMITED, Code.VALID,
    ]  # fmt: skip


def test_what_the_credits_refuse_uses_no_window():
    key = record(("minute", 2, 60), balance=Decimal(1))
    verdicts = verdicts_on([key], [question(cost=Decimal(2)), question(cost=Decimal(2)), question(), question()])
    assert [verdict.code for verdict in verdicts] == [Code.INSUFFICIENT_CREDITS] * 2 + [Code.VALID] * 2
    assert [left(verdict)["minute"] for verdict in verdicts] == [2, 2, 1, 0]


@pytest.mark.parametrize("weight", [6, 1_000_000])
def test_what_is_larger_than_a_window_never_fits(weight: int):
    key = record(("minute", 5, 60), ("hour", 1_000_000, 3600))
    (verdict,) = verdicts_on([key], [question(weight=weight)])
    assert (verdict.code, verdict.retry_after_ms, verdict.retry_after_seconds) == (Code.RATE_LIMITED, None, None)


def test_a_limit_of_none_at_all_refuses_every_call():
    (verdict,) = verdicts_on([record(("never", 0, 60))], [question()])
    assert (verdict.code, verdict.retry_after_ms, left(verdict)) == (Code.RATE_LIMITED, None, {"never": 0})


def test_a_key_s_own_window_takes_the_place_of_its_plan_s_of_that_name():
    own = [{"name": "minute", "limit": 1, "period_seconds": 60}, {"name": "burst", "limit": 50, "period_seconds": 1}]
    key = record(("minute", 5, 60), ("hour", 9, 3600), rate_limits=orjson.dumps(own).decode())
    verdicts = verdicts_on([key], [question(), question()])
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.RATE_LIMITED]
    assert left(verdicts[0]) == {"burst": 49, "minute": 0, "hour": 8}


def test_an_override_may_be_wider_and_of_another_period():
    own = [{"name": "minute", "limit": 100, "period_seconds": 120}]
    key = record(("minute", 1, 60), rate_limits=orjson.dumps(own).decode())
    verdicts = verdicts_on([key], [question()] * 3)
    assert [(verdict.code, left(verdict)) for verdict in verdicts] == [
        (Code.VALID, {"minute": 99 - number}) for number in range(3)
    ]
    assert [window.period_seconds for window in verdicts[0].rate_limits] == [120]


def test_rate_limits_of_the_same_period_count_the_same_calls():
    key = record(("wide", 9, 60), ("narrow", 2, 60))
    verdicts = verdicts_on([key], [question()] * 3)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.VALID, Code.RATE_LIMITED]
    assert [left(verdict) for verdict in verdicts] == [
        {"wide": 8, "narrow": 1}, {"wide": 7, "narrow": 0}, {"wide": 7, "narrow": 0},
    ]  # fmt: skip
    later = after(key, question())
    assert left(verdicts_on([later], [question()], now=NOW + SECOND)[0]) == {"wide": 7, "narrow": 0}


def test_what_was_used_counts_in_the_next_batch_until_a_period_has_passed():
    key = after(record(("minute", 2, 60)), question())
    key = after(key, question(), now=NOW + 10 * SECOND)
    assert codes(key, question(), now=NOW + 59 * SECOND) == [Code.RATE_LIMITED]
    assert codes(key, question(), question(), now=NOW + 60 * SECOND) == [Code.VALID, Code.RATE_LIMITED]
    assert codes(key, *[question()] * 3, now=NOW + 70 * SECOND) == [Code.VALID, Code.VALID, Code.RATE_LIMITED]


@pytest.mark.parametrize("early", [MOMENT, 200 * MOMENT, 999 * MOMENT])
@pytest.mark.parametrize("phase", [0, 1, 400, 999])
def test_no_microsecond_before_a_period_has_passed_is_anything_given_back(early: timedelta, phase: int):
    start = NOW + phase * MOMENT
    key = after(record(("second", 1, 1)), question(), now=start)
    assert codes(key, question(), now=start + SECOND - early) == [Code.RATE_LIMITED]


@pytest.mark.parametrize("phase", [0, 1, 400, 999])
def test_who_waits_as_long_as_told_is_allowed(phase: int):
    start = NOW + phase * MOMENT
    key = after(record(("second", 1, 1), ("minute", 5, 60)), question(), now=start)
    asked_at = start + SECOND / 4
    (verdict,) = verdicts_on([key], [question()], now=asked_at)
    assert verdict.code is Code.RATE_LIMITED
    assert verdict.retry_after_ms is not None
    assert 750 <= verdict.retry_after_ms <= 752
    assert codes(key, question(), now=asked_at + timedelta(milliseconds=verdict.retry_after_ms)) == [Code.VALID]


def test_the_wait_is_that_of_the_slowest_window():
    key = after(record(("second", 1, 1), ("minute", 1, 60)), question())
    (verdict,) = verdicts_on([key], [question()], now=NOW + SECOND / 2)
    assert (verdict.retry_after_ms, verdict.retry_after_seconds) == (59_500, 60)


@pytest.mark.parametrize(("wait_ms", "seconds"), [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (None, None)])
def test_the_wait_in_seconds_is_never_too_short(wait_ms: int | None, seconds: int | None):
    assert Verdict(Code.RATE_LIMITED, retry_after_ms=wait_ms).retry_after_seconds == seconds


def test_a_clock_behind_the_last_call_gives_nothing_back():
    key = after(record(("minute", 2, 60)), question(), now=NOW + 50 * SECOND)
    assert codes(key, question(), question(), now=NOW) == [Code.VALID, Code.RATE_LIMITED]
    (verdict,) = verdicts_on([after(key, question())], [question()], now=NOW)
    assert verdict.retry_after_ms is not None
    # The clock may take 50 seconds to catch up, or none.
    assert 60_000 <= verdict.retry_after_ms <= 110_000


def test_a_window_that_is_new_starts_empty_and_one_that_has_gone_is_forgotten():
    key = after(record(("minute", 1, 60)), question())
    changed = record(("hour", 2, 3600), logs=key.logs)
    assert codes(changed, question()) == [Code.VALID]
    assert [log[0] for log in orjson.loads(after(changed, question()).logs)] == [3_600_000]


def test_keys_of_one_customer_have_rate_limits_of_their_own():
    keys = [record(("minute", 1, 60)), record(("minute", 1, 60), key_id=6, digest=b"other")]
    asked = [question(), question(digest=b"other"), question(), question(digest=b"other")]
    assert [verdict.code for verdict in verdicts_on(keys, asked)] == [Code.VALID] * 2 + [Code.RATE_LIMITED] * 2


def test_an_unmetered_question_is_told_the_truth_and_uses_nothing():
    key = after(record(("minute", 2, 60), balance=Decimal(1)), question())
    unmetered = question(is_metered=False, is_recorded=False, cost=Decimal(1))
    verdicts, consequences = outcome([key], unmetered, unmetered, unmetered)
    assert {(verdict.code, left(verdict)["minute"], verdict.balance) for verdict in verdicts} == {
        (Code.VALID, 1, Decimal(1))
    }
    assert consequences == BatchEffects()
    (refused,) = verdicts_on([after(key, question())], [unmetered])
    assert refused.code is Code.RATE_LIMITED


def test_a_question_without_weight_is_not_limited():
    key = after(record(("minute", 1, 60)), question())
    (verdict,) = verdicts_on([key], [question(weight=0, is_metered=False, is_recorded=False)])
    assert (verdict.code, left(verdict)) == (Code.VALID, {"minute": 0})


def test_a_metered_use_that_is_not_recorded_counts_and_leaves_no_call_and_no_denial():
    key = record(("minute", 1, 60))
    verdicts, consequences = outcome([key], *[question(is_recorded=False)] * 2)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.RATE_LIMITED]
    assert (consequences.calls, consequences.denials) == ([], {})
    assert [spending.key_id for spending in consequences.spendings] == [key.key_id]
