"""The rate limits of a key and their counters."""

from functools import lru_cache

import orjson

from apps.core.rate_limits.rate_limit import RateLimit, RateLimitStatus
from apps.verification.domain.key_record import KeyRecord
from apps.verification.services.sliding_window_counter import SlidingWindowCounter

RATE_LIMIT_LISTS_CACHED = 1024
NOTHING_USED = "[]"


class KeyRateLimits:
    """The rate limits of a key and their counters. Rate limits with the same period share a counter."""

    __slots__ = ("_counters", "_limits")

    def __init__(self, record: KeyRecord, now_ms: int, made_ms: int | None = None) -> None:
        limits = rate_limits_of(record.plan_rate_limits, record.rate_limits)
        used = (
            {entries[0]: entries[1:] for entries in orjson.loads(record.counters)}
            if record.counters != NOTHING_USED
            else {}
        )
        # A rate limit with a new period begins with the entries of the longest one, so that a change of limits does not
        # restore used calls.
        longest = used[max(used)] if used else []
        self._counters = {
            period_ms: SlidingWindowCounter(period_ms, list(used.get(period_ms, longest)), now_ms, made_ms)
            for _, period_ms in limits
        }
        self._limits = [(limit, self._counters[period_ms]) for limit, period_ms in limits]

    def allow(self, weight: int) -> bool:
        """Return whether every rate limit allows `weight` more."""
        for limit, counter in self._limits:  # noqa: SIM110  all() with a generator takes three times as long
            if counter.used + weight > limit.limit:
                return False
        return True

    def use(self, weight: int) -> None:
        """Use `weight` of every rate limit."""
        for counter in self._counters.values():
            counter.add(weight)

    def wait_ms(self, weight: int) -> int | None:
        """Return the time until `weight` is allowed if no other call is made, or None when it never is."""
        if any(weight > limit.limit for limit, _ in self._limits):
            return None
        return max((counter.wait_ms(limit.limit - weight) for limit, counter in self._limits), default=0)

    def statuses(self) -> list[RateLimitStatus]:
        """Return the status of each rate limit."""
        statuses = []
        for limit, counter in self._limits:
            remaining = limit.limit - counter.used
            remaining = max(0, remaining)  # max() takes three times as long
            reset_at_ms = counter.reset_at_ms
            statuses.append(RateLimitStatus(limit.name, limit.limit, limit.period_seconds, remaining, reset_at_ms))
        return statuses

    def stored(self) -> str:
        """Return the counters as JSON."""
        return orjson.dumps([counter.stored() for counter in self._counters.values()]).decode()


@lru_cache(maxsize=RATE_LIMIT_LISTS_CACHED)
def rate_limits_of(plan_rate_limits: str, rate_limits: str) -> list[tuple[RateLimit, int]]:
    """Return the rate limits of a key, each with its period in milliseconds, the shortest first.

    The key's own rate limits replace those of the plan with the same name.
    """
    by_name = {
        name: RateLimit.model_construct(name=name, limit=limit, period_seconds=period_seconds)
        for name, limit, period_seconds in orjson.loads(plan_rate_limits)
    }
    by_name |= {fields["name"]: RateLimit.model_construct(**fields) for fields in orjson.loads(rate_limits)}
    ordered = sorted(by_name.values(), key=lambda limit: limit.period_seconds)
    return [(limit, limit.period_seconds * 1000) for limit in ordered]
