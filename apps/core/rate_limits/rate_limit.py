"""Configured rate limits, and their status."""

from typing import Annotated, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from apps.core.schemas.base import RequestSchema

LIMIT_MAXIMUM = 10**12
PERIOD_SECONDS_MAXIMUM = 366 * 24 * 3600
NAME_PATTERN = r"^[A-Za-z0-9_.-]+$"  # what a header's quoted string may contain unescaped
RATE_LIMITS_MAXIMUM = 10


class RateLimit(RequestSchema):
    """Up to `limit` calls in any `period_seconds`, named for example `minute`. A `limit` of 0 blocks every call."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=NAME_PATTERN)]
    limit: Annotated[int, Field(strict=True, ge=0, le=LIMIT_MAXIMUM)]
    period_seconds: Annotated[int, Field(strict=True, ge=1, le=PERIOD_SECONDS_MAXIMUM)]


class RateLimitStatus(NamedTuple):
    """A rate limit after a call. `reset_at_ms` (milliseconds since 1970) is when the full limit is available again."""

    name: str
    limit: int
    period_seconds: int
    remaining: int
    reset_at_ms: int


def _has_unique_names(rate_limits: list[RateLimit]) -> list[RateLimit]:
    if len({rate_limit.name for rate_limit in rate_limits}) < len(rate_limits):
        raise ValueError("must use a unique name for each rate limit")
    return rate_limits


RateLimits = Annotated[list[RateLimit], Field(max_length=RATE_LIMITS_MAXIMUM), AfterValidator(_has_unique_names)]
