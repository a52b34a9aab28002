"""The response headers that tell a caller about its rate limits: `X-RateLimit-*` and the IETF draft's.

The draft is `draft-ietf-httpapi-ratelimit-headers`. The tightest limit speaks: the one with the least left, and of
equals the one that takes longest to reset.
"""

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from django.http import HttpRequest

from apps.core.rate_limits.rate_limit import RateLimitStatus

_ATTRIBUTE = "noted_rate_limits"
POLICIES_REMEMBERED = 1024


class _Noted(NamedTuple):
    statuses: Sequence[RateLimitStatus]
    retry_after_seconds: int | None


def note_rate_limits(
    request: HttpRequest, statuses: Sequence[RateLimitStatus], retry_after_seconds: int | None = None
) -> None:
    """Keep the statuses with the request; the API application adds their headers to every response, errors too."""
    setattr(request, _ATTRIBUTE, _Noted(statuses, retry_after_seconds))


def noted_rate_limit_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers of the limits that the request was counted against, or none."""
    noted: _Noted | None = getattr(request, _ATTRIBUTE, None)
    return rate_limit_headers(*noted) if noted else {}


def rate_limit_headers(statuses: Sequence[RateLimitStatus], retry_after_seconds: int | None = None) -> dict[str, str]:
    """Return the headers of the tightest limit, with Retry-After where there is something to wait for."""
    if not statuses:
        return {}
    tightest = min(statuses, key=_room)
    seconds_to_reset = max(0, math.ceil(tightest.reset_at_ms / 1000 - time.time()))
    headers = {
        "X-RateLimit-Limit": str(tightest.limit),
        "X-RateLimit-Remaining": str(tightest.remaining),
        "X-RateLimit-Reset": str(-(-tightest.reset_at_ms // 1000)),
        "RateLimit-Policy": _policy(*[(status.name, status.limit, status.period_seconds) for status in statuses]),
        "RateLimit": f"{_quoted(tightest.name)};r={tightest.remaining};t={seconds_to_reset}",
    }
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, retry_after_seconds))
    return headers


def _room(status: RateLimitStatus) -> tuple[int, int]:
    return status.remaining, -status.reset_at_ms


@lru_cache(maxsize=POLICIES_REMEMBERED)
def _policy(*limits: tuple[str, int, int]) -> str:
    return ", ".join(f"{_quoted(name)};q={limit};w={period_seconds}" for name, limit, period_seconds in limits)


@lru_cache(maxsize=POLICIES_REMEMBERED)
def _quoted(name: str) -> str:
    """Return a structured field's string (RFC 9651, 3.3.3)."""
    return '"' + "".join("\\" + char if char in '\\"' else char if " " <= char <= "~" else "?" for char in name) + '"'
