"""decide(): the rate limits of a key, within a batch and from one batch to the next."""

from datetime import datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from apps.verification.domain import BatchEffects, Code, Purpose, Verdict, VerificationQuery
from apps.verification.services.key_rate_limits import COUNTER
from tests.unit.verification.records import MOMENT, NOW, StoredKey, outcome, query, stored_key, verdicts_on

pytestmark = pytest.mark.unit

SECOND = timedelta(seconds=1)


def codes(key: StoredKey, *queries: VerificationQuery, now: datetime = NOW) -> list[Code]:
    return [verdict.code for verdict in verdicts_on([key], queries, now=now)]


def left(verdict: Verdict) -> dict[str, int]:
    return {window.name: window.remaining for window in verdict.rate_limits}


def after(key: StoredKey, *queries: VerificationQuery, now: datetime = NOW) -> StoredKey:
    """Return the key as the next batch finds it."""
    _, effects = outcome([key], *queries, now=now)
    (spending,) = effects.counter_updates
    return key.changed(entries=spending.entries, budget_spent=spending.budget_spent)


def test_calls_up_to_the_limit_are_allowed():
    verdicts = verdicts_on([stored_key(("minute", 3, 60))], [query()] * 5)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 3 + [Code.RATE_LIMITED] * 2
    assert [left(verdict)["minute"] for verdict in verdicts] == [2, 1, 0, 0, 0]
    (status,) = verdicts[0].rate_limits
    assert (status.limit, status.period_seconds) == (3, 60)


def test_without_rate_limits_all_calls_are_allowed():
    verdicts = verdicts_on([stored_key()], [query(weight=1_000_000)] * 100)
    assert {(verdict.code, *verdict.rate_limits, verdict.retry_after_ms) for verdict in verdicts} == {
        (Code.VALID, None)
    }


def test_a_call_counts_against_all_rate_limits_or_none():
    key = stored_key(("minute", 10, 60), ("hour", 2, 3600))
    verdicts = verdicts_on([key], [query()] * 4)
    assert [verdict.code for verdict in verdicts] == [Code.VALID] * 2 + [Code.RATE_LIMITED] * 2
    assert left(verdicts[-1]) == {"minute": 8, "hour": 0}


def test_statuses_are_in_order_of_periods():
    key = stored_key(("day", 9, 86400), ("minute", 9, 60), ("hour", 9, 3600))
    (verdict,) = verdicts_on([key], [query()])
    assert [window.name for window in verdict.rate_limits] == ["minute", "hour", "day"]


def test_a_weight_counts_as_many_calls():
    key = stored_key(("minute", 10, 60))
    verdicts = verdicts_on([key], [query(weight=4), query(weight=7), query(weight=6), query()])
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.RATE_LIMITED, Code.VALID, Code.RATE_LIMITED]
    assert [left(verdict)["minute"] for verdict in verdicts] == [6, 6, 0, 0]


def test_a_large_refused_call_does_not_block_a_small_one():
    assert codes(stored_key(("minute", 5, 60)), query(weight=3), query(weight=3), query(weight=2)) == [
        Code.VALID, Code.RATE_LIMITED, Code.VALID,
    ]  # fmt: skip


def test_a_call_refused_for_credits_uses_no_rate_limit():
    key = stored_key(("minute", 2, 60), balance=Decimal(1))
    verdicts = verdicts_on([key], [query(cost=Decimal(2)), query(cost=Decimal(2)), query(), query()])
    assert [verdict.code for verdict in verdicts] == [Code.INSUFFICIENT_CREDITS] * 2 + [Code.VALID] * 2
    assert [left(verdict)["minute"] for verdict in verdicts] == [2, 2, 1, 0]


@pytest.mark.parametrize("weight", [6, 1_000_000])
def test_a_weight_above_a_limit_is_never_allowed(weight: int):
    key = stored_key(("minute", 5, 60), ("hour", 1_000_000, 3600))
    (verdict,) = verdicts_on([key], [query(weight=weight)])
    assert (verdict.code, verdict.retry_after_ms, verdict.retry_after_seconds) == (Code.RATE_LIMITED, None, None)


def test_a_limit_of_zero_refuses_every_call():
    (verdict,) = verdicts_on([stored_key(("never", 0, 60))], [query()])
    assert (verdict.code, verdict.retry_after_ms, left(verdict)) == (Code.RATE_LIMITED, None, {"never": 0})


def test_a_keys_own_rate_limit_replaces_the_plans_of_the_same_name():
    own = [{"name": "minute", "limit": 1, "period_seconds": 60}, {"name": "burst", "limit": 50, "period_seconds": 1}]
    key = stored_key(("minute", 5, 60), ("hour", 9, 3600), rate_limits=orjson.dumps(own).decode())
    verdicts = verdicts_on([key], [query(), query()])
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.RATE_LIMITED]
    assert left(verdicts[0]) == {"burst": 49, "minute": 0, "hour": 8}


def test_a_keys_own_rate_limit_may_be_larger_and_of_another_period():
    own = [{"name": "minute", "limit": 100, "period_seconds": 120}]
    key = stored_key(("minute", 1, 60), rate_limits=orjson.dumps(own).decode())
    verdicts = verdicts_on([key], [query()] * 3)
    assert [(verdict.code, left(verdict)) for verdict in verdicts] == [
        (Code.VALID, {"minute": 99 - number}) for number in range(3)
    ]
    assert [window.period_seconds for window in verdicts[0].rate_limits] == [120]


def test_rate_limits_with_the_same_period_share_a_counter():
    key = stored_key(("wide", 9, 60), ("narrow", 2, 60))
    verdicts = verdicts_on([key], [query()] * 3)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.VALID, Code.RATE_LIMITED]
    assert [left(verdict) for verdict in verdicts] == [
        {"wide": 8, "narrow": 1}, {"wide": 7, "narrow": 0}, {"wide": 7, "narrow": 0},
    ]  # fmt: skip
    later = after(key, query())
    assert left(verdicts_on([later], [query()], now=NOW + SECOND)[0]) == {"wide": 7, "narrow": 0}


def test_usage_counts_in_the_next_batches_for_a_period():
    key = after(stored_key(("minute", 2, 60)), query())
    key = after(key, query(), now=NOW + 10 * SECOND)
    assert codes(key, query(), now=NOW + 59 * SECOND) == [Code.RATE_LIMITED]
    assert codes(key, query(), query(), now=NOW + 60 * SECOND) == [Code.VALID, Code.RATE_LIMITED]
    assert codes(key, *[query()] * 3, now=NOW + 70 * SECOND) == [Code.VALID, Code.VALID, Code.RATE_LIMITED]


@pytest.mark.parametrize("early", [MOMENT, 200 * MOMENT, 999 * MOMENT])
@pytest.mark.parametrize("phase", [0, 1, 400, 999])
def test_a_call_counts_until_the_last_microsecond_of_its_period(early: timedelta, phase: int):
    start = NOW + phase * MOMENT
    key = after(stored_key(("second", 1, 1)), query(), now=start)
    assert codes(key, query(), now=start + SECOND - early) == [Code.RATE_LIMITED]


@pytest.mark.parametrize("phase", [0, 1, 400, 999])
def test_a_call_after_retry_after_is_allowed(phase: int):
    start = NOW + phase * MOMENT
    key = after(stored_key(("second", 1, 1), ("minute", 5, 60)), query(), now=start)
    asked_at = start + SECOND / 4
    (verdict,) = verdicts_on([key], [query()], now=asked_at)
    assert verdict.code is Code.RATE_LIMITED
    assert verdict.retry_after_ms is not None
    assert 750 <= verdict.retry_after_ms <= 752
    assert codes(key, query(), now=asked_at + timedelta(milliseconds=verdict.retry_after_ms)) == [Code.VALID]


def test_the_wait_is_that_of_the_longest_rate_limit():
    key = after(stored_key(("second", 1, 1), ("minute", 1, 60)), query())
    (verdict,) = verdicts_on([key], [query()], now=NOW + SECOND / 2)
    assert (verdict.retry_after_ms, verdict.retry_after_seconds) == (59_500, 60)


@pytest.mark.parametrize(("wait_ms", "seconds"), [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (None, None)])
def test_the_wait_in_seconds_is_rounded_up(wait_ms: int | None, seconds: int | None):
    assert Verdict(Code.RATE_LIMITED, retry_after_ms=wait_ms).retry_after_seconds == seconds


def test_a_clock_behind_the_last_call_frees_nothing():
    key = after(stored_key(("minute", 2, 60)), query(), now=NOW + 50 * SECOND)
    assert codes(key, query(), query(), now=NOW) == [Code.VALID, Code.RATE_LIMITED]
    (verdict,) = verdicts_on([after(key, query())], [query()], now=NOW)
    assert verdict.retry_after_ms is not None
    # The clock may take 50 seconds to catch up, or none.
    assert 60_000 <= verdict.retry_after_ms <= 110_000


def test_counters_of_removed_rate_limits_are_dropped():
    key = after(stored_key(("minute", 1, 60)), query())
    changed = stored_key(("hour", 2, 3600), entries=key.counters.entries)
    assert codes(changed, query()) == [Code.VALID]
    period_ms, used, length = COUNTER.unpack_from(after(changed, query()).counters.entries)
    # One counter, with the entries of both calls.
    assert (period_ms, used, COUNTER.size + length) == (3_600_000, 2, len(after(changed, query()).counters.entries))


def test_keys_of_one_customer_have_separate_counters():
    keys = [stored_key(("minute", 1, 60)), stored_key(("minute", 1, 60), key_id=6, digest=b"other")]
    sent = [query(), query(digest=b"other"), query(), query(digest=b"other")]
    assert [verdict.code for verdict in verdicts_on(keys, sent)] == [Code.VALID] * 2 + [Code.RATE_LIMITED] * 2


def test_an_inspection_gets_the_verdict_and_has_no_effects():
    key = after(stored_key(("minute", 2, 60), balance=Decimal(1)), query())
    inspection = query(purpose=Purpose.INSPECTION, cost=Decimal(1))
    verdicts, effects = outcome([key], inspection, inspection, inspection)
    assert {(verdict.code, left(verdict)["minute"], verdict.balance) for verdict in verdicts} == {
        (Code.VALID, 1, Decimal(1))
    }
    assert effects == BatchEffects()
    (refused,) = verdicts_on([after(key, query())], [inspection])
    assert refused.code is Code.RATE_LIMITED


def test_a_query_without_weight_is_not_rate_limited():
    key = after(stored_key(("minute", 1, 60)), query())
    (verdict,) = verdicts_on([key], [query(weight=0, purpose=Purpose.INSPECTION)])
    assert (verdict.code, left(verdict)) == (Code.VALID, {"minute": 0})


def test_the_use_of_a_credential_changes_counters_only():
    key = stored_key(("minute", 1, 60))
    verdicts, effects = outcome([key], *[query(purpose=Purpose.CREDENTIAL)] * 2)
    assert [verdict.code for verdict in verdicts] == [Code.VALID, Code.RATE_LIMITED]
    assert (effects.calls, effects.denials) == ([], {})
    assert [spending.key_id for spending in effects.counter_updates] == [key.row.key_id]
