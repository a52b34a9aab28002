"""Verification responses."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.usage.schemas.call import DETAILS
from apps.verification.domain import Code, Detail, Verdict
from apps.verification.schemas.verification import VerifyResponse, response_json
from tests.unit.verification.records import NOW, record

pytestmark = pytest.mark.unit

RESET_AT_MS = int(NOW.timestamp() * 1000) + 30_250
STATUS = RateLimitStatus("minute", 5, 60, 2, RESET_AT_MS)


def response_to(verdict: Verdict) -> dict:
    """Return the response, which is the same by both functions."""
    response: dict = orjson.loads(response_json(verdict, "r-1"))
    assert orjson.loads(VerifyResponse.of(verdict, "r-1").model_dump_json()) == response
    return response


def test_the_response_to_a_valid_call():
    key = record(
        name="production", scopes=["a:*"], metadata='{"team": 7, "names": ["ä", null]}', plan="pro",
        plan_features='{"exports": true, "seats": 5, "share": 0.5}',
        expires_at=datetime(2030, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        owner_is_staff=True, budget=Decimal(9),
    )  # fmt: skip
    assert response_to(Verdict(Code.VALID, key, None, (STATUS,), Decimal("12.340000"))) == {
        "valid": True,
        "code": "VALID",
        "detail": None,
        "key_id": 5,
        "user_id": 7,
        "name": "production",
        "environment": "live",
        "scopes": ["a:*"],
        "plan": "pro",
        "features": {"exports": True, "seats": 5, "share": 0.5},
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


def test_the_response_to_an_unknown_key():
    assert response_to(Verdict(Code.NOT_FOUND)) == {
        "valid": False,
        "code": "NOT_FOUND",
        "detail": None,
        "key_id": None,
        "user_id": None,
        "name": None,
        "environment": None,
        "scopes": [],
        "plan": None,
        "features": {},
        "metadata": {},
        "expires_at": None,
        "balance": None,
        "rate_limits": [],
        "retry_after_seconds": None,
        "request_id": "r-1",
    }


@pytest.mark.parametrize(("wait_ms", "seconds"), [(1, 1), (30_000, 30), (30_001, 31), (None, None)])
def test_retry_after_is_in_whole_seconds(wait_ms: int | None, seconds: int | None):
    response = response_to(Verdict(Code.RATE_LIMITED, record(), "minute", (STATUS,), Decimal(0), wait_ms))
    assert (response["valid"], response["code"], response["retry_after_seconds"]) == (False, "RATE_LIMITED", seconds)


@pytest.mark.parametrize("detail", [*Detail, 'a "limit"\\ of \u00e4\u2028'])
def test_the_detail_is_in_the_response(detail: str):
    assert response_to(Verdict(Code.FORBIDDEN, record(), detail))["detail"] == detail


@pytest.mark.parametrize("balance", ["0.000000", "0.000001", "99999999999999.999999", "1E+3", "0E-6"])
def test_a_balance_has_no_exponent(balance: str):
    text = response_to(Verdict(Code.VALID, record(), balance=Decimal(balance)))["balance"]
    assert Decimal(text) == Decimal(balance)
    assert "E" not in text


def test_a_stored_response_is_repeated_exactly():
    key = record(metadata='{"a": [1.5, "\\ud83d\\ude00"]}', expires_at=NOW + timedelta(microseconds=1))
    verdict = Verdict(Code.RATE_LIMITED, key, "minute", (STATUS,), Decimal("0.10"), 1500)
    first = response_json(verdict, "first")
    repeated = Verdict(Code.RATE_LIMITED, record(name="renamed"), stored_response=first)
    assert response_json(repeated, "other") == first
    assert VerifyResponse.of(repeated, "other") == VerifyResponse.of(verdict, "first")


def test_times_are_in_utc():
    (status,) = VerifyResponse.of(Verdict(Code.VALID, record(), rate_limits=(STATUS,)), "r").rate_limits
    assert status.reset_at == NOW + timedelta(seconds=30, milliseconds=250)
    assert status.reset_at.utcoffset() == timedelta(0)


def test_every_detail_has_words_for_staff():
    assert DETAILS.keys() == {str(detail) for detail in Detail}
