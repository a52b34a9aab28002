"""The response headers for rate limits."""

import time

import pytest
from django.http import HttpRequest

from apps.core.http.asgi_messages import encoded_headers
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.rate_limits.response_headers import rate_limit_headers, record_rate_limits, recorded_rate_limit_headers

pytestmark = pytest.mark.unit

NOW = 1_795_000_000


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))


def status(name: str, remaining: int, reset_in_ms: int, limit: int = 10, period_seconds: int = 60) -> RateLimitStatus:
    return RateLimitStatus(name, limit, period_seconds, remaining, NOW * 1000 + reset_in_ms)


def headers(*statuses: RateLimitStatus) -> dict[str, str]:
    return rate_limit_headers(statuses)


def test_no_headers_without_rate_limits():
    assert rate_limit_headers(()) == {}
    assert rate_limit_headers((), 3) == {}


def test_headers_of_one_rate_limit():
    assert headers(status("minute", 7, 30_000)) == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "7",
        "X-RateLimit-Reset": str(NOW + 30),
        "RateLimit-Policy": '"minute";q=10;w=60',
        "RateLimit": '"minute";r=7;t=30',
    }


@pytest.mark.parametrize(
    ("statuses", "described"),
    [
        ([status("a", 5, 1000), status("b", 4, 1000)], "b"),
        ([status("a", 4, 1000), status("b", 5, 1000)], "a"),
        ([status("a", 0, 1000), status("b", 0, 3_600_000)], "b"),
        ([status("a", 0, 3_600_000), status("b", 0, 1000)], "a"),
        ([status("a", 3, 9000, limit=1000), status("b", 4, 1000, limit=5)], "a"),
    ],
)
def test_headers_describe_limit_with_fewest_remaining_then_latest_reset(
    statuses: list[RateLimitStatus], described: str
):
    assert headers(*statuses)["RateLimit"].startswith(f'"{described}";')


def test_policy_lists_all_rate_limits():
    statuses = [status("second", 1, 500, 2, 1), status("day", 900, 1000, 1000, 86400)]
    assert headers(*statuses)["RateLimit-Policy"] == '"second";q=2;w=1, "day";q=1000;w=86400'


@pytest.mark.parametrize(("reset_in_ms", "seconds"), [(1, 1), (1000, 1), (1001, 2), (0, 0), (-5000, 0)])
def test_reset_is_rounded_up_to_seconds(reset_in_ms: int, seconds: int):
    sent = headers(status("minute", 0, reset_in_ms))
    assert sent["RateLimit"] == f'"minute";r=0;t={seconds}'
    assert int(sent["X-RateLimit-Reset"]) * 1000 >= NOW * 1000 + reset_in_ms


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("per minute", '"per minute"'),
        ('a "b"', r'"a \"b\""'),
        ("a\\b", r'"a\\b"'),
        ("a, b;c=1", '"a, b;c=1"'),
        ("a\r\nSet-Cookie: b", '"a??Set-Cookie: b"'),
        ("Minüte", '"Min?te"'),
        ("\x7f", '"?"'),
    ],
)
def test_name_is_quoted_as_structured_field_string(name: str, quoted: str):
    sent = headers(status(name, 1, 1000))
    assert sent["RateLimit"] == f"{quoted};r=1;t=1"
    assert sent["RateLimit-Policy"] == f"{quoted};q=10;w=60"


def test_statuses_are_recorded_on_the_request():
    request = HttpRequest()
    assert recorded_rate_limit_headers(request) == {}
    record_rate_limits(request, [status("minute", 4, 1000, limit=5)])
    assert recorded_rate_limit_headers(request)["X-RateLimit-Remaining"] == "4"
    record_rate_limits(request, [])
    assert recorded_rate_limit_headers(request) == {}


@pytest.mark.parametrize(("seconds", "header"), [(None, None), (0, "1"), (1, "1"), (59, "59")])
def test_retry_after_is_at_least_one_second(seconds: int | None, header: str | None):
    assert rate_limit_headers([status("minute", 0, 1000)], seconds).get("Retry-After") == header


def test_headers_are_encoded_in_lower_case():
    assert dict(encoded_headers(rate_limit_headers([status("minute", 7, 30_000)], 3))) == {
        b"x-ratelimit-limit": b"10",
        b"x-ratelimit-remaining": b"7",
        b"x-ratelimit-reset": str(NOW + 30).encode(),
        b"ratelimit-policy": b'"minute";q=10;w=60',
        b"ratelimit": b'"minute";r=7;t=30',
        b"retry-after": b"3",
    }
