"""What a limited caller is told of its limits."""

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from django.http import HttpRequest

from apps.core.http.asgi_types import Headers
from apps.core.window_state import WindowState

_ATTRIBUTE = "tightest_window"
POLICIES_REMEMBERED = 1024


class TightestWindow(NamedTuple):
    """The tightest window as it stands after this request; `reset_at_ms` is since 1970.

    `name` and `policy` are that window and all of them in the words of the IETF draft
    `draft-ietf-httpapi-ratelimit-headers`.
    """

    limit: int
    remaining: int
    reset_at_ms: int
    name: str
    policy: str
    retry_after_seconds: int | None = None

    @classmethod
    def of(cls, windows: Sequence[WindowState], retry_after_seconds: int | None = None) -> "TightestWindow | None":
        """Return the state of the tightest window, or None when there is none."""
        if not windows:
            return None
        tightest = min(windows, key=_room)
        policy = _policy(*[(window.name, window.limit, window.period_seconds) for window in windows])
        return cls(tightest.limit, tightest.remaining, tightest.reset_at_ms, tightest.name, policy, retry_after_seconds)

    def headers(self) -> dict[str, str]:
        """Return the X-RateLimit headers and the IETF ones, and Retry-After when there is something to wait for."""
        seconds = max(0, math.ceil(self.reset_at_ms / 1000 - time.time()))
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(-(-self.reset_at_ms // 1000)),
            "RateLimit-Policy": self.policy,
            "RateLimit": f"{_quoted(self.name)};r={self.remaining};t={seconds}",
        }
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(max(1, self.retry_after_seconds))
        return headers


def encoded_rate_limit(windows: Sequence[WindowState], retry_after_seconds: int | None) -> Headers:
    """Return the headers of the tightest window, ready to be sent."""
    state = TightestWindow.of(windows, retry_after_seconds)
    return [(name.lower().encode(), value.encode()) for name, value in state.headers().items()] if state else []


def note_rate_limit(request: HttpRequest, state: TightestWindow | None) -> None:
    """Keep the state with the request, for the door to put on whatever answer it gets, errors too."""
    setattr(request, _ATTRIBUTE, state)


def rate_limit_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers of the limit that the request was counted against, or none."""
    state: TightestWindow | None = getattr(request, _ATTRIBUTE, None)
    return state.headers() if state else {}


def _room(window: WindowState) -> tuple[int, int]:
    return window.remaining, -window.reset_at_ms


@lru_cache(maxsize=POLICIES_REMEMBERED)
def _policy(*windows: tuple[str, int, int]) -> str:
    return ", ".join(f"{_quoted(name)};q={limit};w={period_seconds}" for name, limit, period_seconds in windows)


@lru_cache(maxsize=POLICIES_REMEMBERED)
def _quoted(name: str) -> str:
    """Return a structured field's string (RFC 9651, 3.3.3)."""
    return '"' + "".join("\\" + char if char in '\\"' else char if " " <= char <= "~" else "?" for char in name) + '"'
