"""The response headers for a caller's rate limits: `X-RateLimit-*`, and those of the IETF draft.

The draft is `draft-ietf-httpapi-ratelimit-headers`. The headers describe the rate limit with the fewest remaining
calls; among equals, the one that resets last.
"""

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from django.http import HttpRequest

from apps.core.rate_limits.rate_limit import RateLimitStatus

_ATTRIBUTE = "recorded_rate_limits"
POLICIES_CACHED = 1024


class _Recorded(NamedTuple):
    statuses: Sequence[RateLimitStatus]
    retry_after_seconds: int | None


def record_rate_limits(
    request: HttpRequest, statuses: Sequence[RateLimitStatus], retry_after_seconds: int | None = None
) -> None:
    """Attach the statuses to the request. The API application adds their headers to every response, errors included."""
    setattr(request, _ATTRIBUTE, _Recorded(statuses, retry_after_seconds))


def recorded_rate_limit_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers of the request's rate limits. They are empty for an unlimited request."""
    recorded: _Recorded | None = getattr(request, _ATTRIBUTE, None)
    return rate_limit_headers(*recorded) if recorded else {}


def rate_limit_headers(statuses: Sequence[RateLimitStatus], retry_after_seconds: int | None = None) -> dict[str, str]:
    """Return the headers of the rate limit with the fewest remaining calls, with Retry-After if seconds are given."""
    if not statuses:
        return {}
    lowest = min(statuses, key=_remaining_then_reset)
    seconds_to_reset = max(0, math.ceil(lowest.reset_at_ms / 1000 - time.time()))
    headers = {
        "X-RateLimit-Limit": str(lowest.limit),
        "X-RateLimit-Remaining": str(lowest.remaining),
        "X-RateLimit-Reset": str(-(-lowest.reset_at_ms // 1000)),
        "RateLimit-Policy": _policy(*[(status.name, status.limit, status.period_seconds) for status in statuses]),
        "RateLimit": f"{_quoted(lowest.name)};r={lowest.remaining};t={seconds_to_reset}",
    }
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, retry_after_seconds))
    return headers


def _remaining_then_reset(status: RateLimitStatus) -> tuple[int, int]:
    return status.remaining, -status.reset_at_ms


@lru_cache(maxsize=POLICIES_CACHED)
def _policy(*limits: tuple[str, int, int]) -> str:
    return ", ".join(f"{_quoted(name)};q={limit};w={period_seconds}" for name, limit, period_seconds in limits)


@lru_cache(maxsize=POLICIES_CACHED)
def _quoted(name: str) -> str:
    """Return the name as the string of a structured field (RFC 9651, 3.3.3)."""
    return '"' + "".join("\\" + char if char in '\\"' else char if " " <= char <= "~" else "?" for char in name) + '"'
