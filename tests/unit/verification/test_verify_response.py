"""What the asking service is told."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain import Code, Verdict
from apps.verification.schemas.verification import VerifyResponse, answer_json
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

RESET_AT_MS = int(NOW.timestamp() * 1000) + 30_250
WINDOW = RateLimitStatus("minute", 5, 60, 2, RESET_AT_MS)


def told(verdict: Verdict) -> dict:
    """Return what both ways of telling it say."""
    answer: dict = orjson.loads(answer_json(verdict, "r-1"))
    assert orjson.loads(VerifyResponse.of(verdict, "r-1").model_dump_json()) == answer
    return answer


def test_all_of_a_valid_verdict_is_told_and_nothing_else():
    key = record(
        name="production", scopes=["a:*"], metadata='{"team": 7, "names": ["ä", null]}', plan="pro",
        expires_at=datetime(2030, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        owner_is_staff=True, budget=Decimal(9),
    )  # fmt: skip
    assert told(Verdict(Code.VALID, key, (WINDOW,), Decimal("12.340000"))) == {
        "valid": True,
        "code": "VALID",
        "key_id": 5,
        "user_id": 7,
        "name": "production",
        "environment": "live",
        "scopes": ["a:*"],
        "plan": "pro",
        "metadata": {"team": 7, "names": ["ä", None]},
        "expires_at": "2030-01-02T03:04:05Z",
        "balance": "12.340000",
        "rate_limits": [
            {
                "name": "minute",
                "limit": 5,
                "period_seconds": 60,
                "remaining": 2,
                "reset_at": "2026-11-22T12:00:30.250000Z",
            }
        ],
        "retry_after_seconds": None,
        "request_id": "r-1",
    }  # fmt: skip


def test_nothing_is_told_of_a_key_that_does_not_exist():
    assert told(Verdict(Code.NOT_FOUND)) == {
        "valid": False,
        "code": "NOT_FOUND",
        "key_id": None,
        "user_id": None,
        "name": None,
        "environment": None,
        "scopes": [],
        "plan": None,
        "metadata": {},
        "expires_at": None,
        "balance": None,
        "rate_limits": [],
        "retry_after_seconds": None,
        "request_id": "r-1",
    }


@pytest.mark.parametrize(("wait_ms", "seconds"), [(1, 1), (30_000, 30), (30_001, 31), (None, None)])
def test_a_wait_is_told_in_whole_seconds(wait_ms: int | None, seconds: int | None):
    answer = told(Verdict(Code.RATE_LIMITED, record(), (WINDOW,), Decimal(0), wait_ms))
    assert (answer["valid"], answer["code"], answer["retry_after_seconds"]) == (False, "RATE_LIMITED", seconds)


@pytest.mark.parametrize("balance", ["0.000000", "0.000001", "99999999999999.999999", "1E+3", "0E-6"])
def test_a_balance_is_told_without_an_exponent(balance: str):
    text = told(Verdict(Code.VALID, record(), balance=Decimal(balance)))["balance"]
    assert Decimal(text) == Decimal(balance)
    assert "E" not in text


def test_a_first_answer_is_told_again_exactly():
    key = record(metadata='{"a": [1.5, "\\ud83d\\ude00"]}', expires_at=NOW + timedelta(microseconds=1))
    verdict = Verdict(Code.RATE_LIMITED, key, (WINDOW,), Decimal("0.10"), 1500)
    first = answer_json(verdict, "first")
    repeated = Verdict(Code.RATE_LIMITED, record(name="renamed"), first_answer=first.decode())
    assert answer_json(repeated, "other") == first
    assert VerifyResponse.of(repeated, "other") == VerifyResponse.of(verdict, "first")


def test_times_are_in_utc():
    (window,) = VerifyResponse.of(Verdict(Code.VALID, record(), (WINDOW,)), "r").rate_limits
    assert window.reset_at == NOW + timedelta(seconds=30, milliseconds=250)
    assert window.reset_at.utcoffset() == timedelta(0)
