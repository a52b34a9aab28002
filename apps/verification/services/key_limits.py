"""What one key may still use, as a batch goes on."""

from functools import lru_cache

import orjson

from apps.core.rate_limits.rate_limit import RateLimit, RateLimitStatus
from apps.verification.domain.key_record import KeyRecord
from apps.verification.services.sliding_log import SlidingLog

RATE_LIMIT_LISTS_REMEMBERED = 1024
NOTHING_USED = "[]"


class KeyLimits:
    """The rate limits of a key and what has been used of each; rate limits of the same period count the same calls."""

    __slots__ = ("_limits", "_logs")

    def __init__(self, record: KeyRecord, now_ms: int, made_ms: int | None = None) -> None:
        limits = rate_limits_of(record.plan_rate_limits, record.rate_limits)
        used = {entries[0]: entries[1:] for entries in orjson.loads(record.logs)} if record.logs != NOTHING_USED else {}
        # A rate limit of a new period begins with what the longest of the others knows: a change of limits forgives
        # nothing.
        longest = used[max(used)] if used else []
        self._logs = {
            period_ms: SlidingLog(period_ms, list(used.get(period_ms, longest)), now_ms, made_ms)
            for _, period_ms in limits
        }
        self._limits = [(limit, self._logs[period_ms]) for limit, period_ms in limits]

    def allow(self, weight: int) -> bool:
        """Return whether every rate limit has room for `weight`."""
        for limit, log in self._limits:  # noqa: SIM110  all() with a generator takes three times as long
            if log.used + weight > limit.limit:
                return False
        return True

    def use(self, weight: int) -> None:
        """Use `weight` of every rate limit."""
        for log in self._logs.values():
            log.add(weight)

    def wait_ms(self, weight: int) -> int | None:
        """Return how long it takes until `weight` is allowed, if nothing comes; None when it never is."""
        if any(weight > limit.limit for limit, _ in self._limits):
            return None
        return max((log.wait_ms(limit.limit - weight) for limit, log in self._limits), default=0)

    def statuses(self) -> list[RateLimitStatus]:
        """Return each rate limit as it stands."""
        statuses = []
        for limit, log in self._limits:
            remaining = limit.limit - log.used
            remaining = max(0, remaining)  # max() takes three times as long
            statuses.append(RateLimitStatus(limit.name, limit.limit, limit.period_seconds, remaining, log.reset_at_ms))
        return statuses

    def stored(self) -> str:
        """Return the logs as they are kept."""
        return orjson.dumps([log.stored() for log in self._logs.values()]).decode()


@lru_cache(maxsize=RATE_LIMIT_LISTS_REMEMBERED)
def rate_limits_of(plan_rate_limits: str, rate_limits: str) -> list[tuple[RateLimit, int]]:
    """Return the rate limits that hold for a key, each with its period in milliseconds, the shortest first.

    They are its plan's, but its own where they have the same name.
    """
    by_name = {
        name: RateLimit.model_construct(name=name, limit=limit, period_seconds=period_seconds)
        for name, limit, period_seconds in orjson.loads(plan_rate_limits)
    }
    by_name |= {fields["name"]: RateLimit.model_construct(**fields) for fields in orjson.loads(rate_limits)}
    ordered = sorted(by_name.values(), key=lambda limit: limit.period_seconds)
    return [(limit, limit.period_seconds * 1000) for limit in ordered]
