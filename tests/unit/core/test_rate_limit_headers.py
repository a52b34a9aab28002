"""What a limited caller is told of its limits."""

import time

import pytest
from django.http import HttpRequest

from apps.core.http.raw_response import encoded_headers
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.rate_limits.response_headers import note_rate_limits, noted_rate_limit_headers, rate_limit_headers

pytestmark = pytest.mark.unit

NOW = 1_795_000_000


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))


def window(name: str, remaining: int, reset_in_ms: int, limit: int = 10, period_seconds: int = 60) -> RateLimitStatus:
    return RateLimitStatus(name, limit, period_seconds, remaining, NOW * 1000 + reset_in_ms)


def headers(*statuses: RateLimitStatus) -> dict[str, str]:
    return rate_limit_headers(statuses)


def test_without_rate_limits_there_are_no_headers():
    assert rate_limit_headers(()) == {}
    assert rate_limit_headers((), 3) == {}


def test_one_window():
    assert headers(window("minute", 7, 30_000)) == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "7",
        "X-RateLimit-Reset": str(NOW + 30),
        "RateLimit-Policy": '"minute";q=10;w=60',
        "RateLimit": '"minute";r=7;t=30',
    }


@pytest.mark.parametrize(
    ("windows", "tightest"),
    [
        ([window("a", 5, 1000), window("b", 4, 1000)], "b"),
        ([window("a", 4, 1000), window("b", 5, 1000)], "a"),
        ([window("a", 0, 1000), window("b", 0, 3_600_000)], "b"),
        ([window("a", 0, 3_600_000), window("b", 0, 1000)], "a"),
        ([window("a", 3, 9000, limit=1000), window("b", 4, 1000, limit=5)], "a"),
    ],
)
def test_the_tightest_has_the_least_left_and_of_equals_the_longest_to_wait(
    windows: list[RateLimitStatus], tightest: str
):
    assert headers(*windows)["RateLimit"].startswith(f'"{tightest}";')


def test_the_policy_names_all_windows():
    windows = [window("second", 1, 500, 2, 1), window("day", 900, 1000, 1000, 86400)]
    assert headers(*windows)["RateLimit-Policy"] == '"second";q=2;w=1, "day";q=1000;w=86400'


@pytest.mark.parametrize(("reset_in_ms", "seconds"), [(1, 1), (1000, 1), (1001, 2), (0, 0), (-5000, 0)])
def test_a_reset_is_told_in_whole_seconds_that_are_never_too_few(reset_in_ms: int, seconds: int):
    told = headers(window("minute", 0, reset_in_ms))
    assert told["RateLimit"] == f'"minute";r=0;t={seconds}'
    assert int(told["X-RateLimit-Reset"]) * 1000 >= NOW * 1000 + reset_in_ms


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
def test_a_name_is_written_as_a_structured_field_s_string(name: str, quoted: str):
    told = headers(window(name, 1, 1000))
    assert told["RateLimit"] == f"{quoted};r=1;t=1"
    assert told["RateLimit-Policy"] == f"{quoted};q=10;w=60"


def test_statuses_are_kept_with_the_request():
    request = HttpRequest()
    assert noted_rate_limit_headers(request) == {}
    note_rate_limits(request, [window("minute", 4, 1000, limit=5)])
    assert noted_rate_limit_headers(request)["X-RateLimit-Remaining"] == "4"
    note_rate_limits(request, [])
    assert noted_rate_limit_headers(request) == {}


@pytest.mark.parametrize(("seconds", "header"), [(None, None), (0, "1"), (1, "1"), (59, "59")])
def test_retry_after_is_at_least_one_second(seconds: int | None, header: str | None):
    assert rate_limit_headers([window("minute", 0, 1000)], seconds).get("Retry-After") == header


def test_headers_are_encoded_in_lower_case():
    assert dict(encoded_headers(rate_limit_headers([window("minute", 7, 30_000)], 3))) == {
        b"x-ratelimit-limit": b"10",
        b"x-ratelimit-remaining": b"7",
        b"x-ratelimit-reset": str(NOW + 30).encode(),
        b"ratelimit-policy": b'"minute";q=10;w=60',
        b"ratelimit": b'"minute";r=7;t=30',
        b"retry-after": b"3",
    }
