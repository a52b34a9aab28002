"""What a limited caller is told of its limit."""

import math
import time
from dataclasses import dataclass

from django.http import HttpRequest

_ATTRIBUTE = "rate_limit_state"


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """A window as it stands after this request; `reset_at` is in seconds since 1970."""

    limit: int
    remaining: int
    reset_at: int

    @classmethod
    def after(cls, count: int, limit: int, seconds_left: float) -> "RateLimitState":
        """Return the state of a window of which `count` calls are used and that ends in `seconds_left`."""
        return cls(limit, max(0, limit - count), math.ceil(time.time() + max(0.0, seconds_left)))

    def headers(self) -> dict[str, str]:
        """Return the X-RateLimit headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }


def note_rate_limit(request: HttpRequest, state: RateLimitState) -> None:
    """Keep the state with the request, for the door to put on whatever answer it gets, errors too."""
    setattr(request, _ATTRIBUTE, state)


def rate_limit_headers(request: HttpRequest) -> dict[str, str]:
    """Return the headers of the limit that the request was counted against, or none."""
    state: RateLimitState | None = getattr(request, _ATTRIBUTE, None)
    return state.headers() if state else {}
