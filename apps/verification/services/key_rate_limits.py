"""The rate limits of a key, and how their counters are stored."""

from collections.abc import Sequence
from struct import Struct

import orjson

from apps.core.rate_limits.rate_limit import RateLimit, RateLimitStatus
from apps.verification.services.sliding_window_counter import ENTRY, SlidingWindowCounter, packed

# Before the entries of each counter: the period in milliseconds, the sum of the weights, the length of the entries.
COUNTER = Struct(">qQI")
NO_WINDOWS = "[]"
NOTHING_USED = (0, b"")
NO_COUNTERS: dict[int, tuple[int, bytes]] = {}


class KeyRateLimits:
    """The rate limits of a key and their counters. Rate limits with the same period share a counter."""

    __slots__ = ("_counters", "_limits")

    def __init__(
        self, limits: Sequence[tuple[RateLimit, int]], stored: bytes, now_ms: int, made_ms: int | None = None
    ) -> None:
        made_ms = now_ms if made_ms is None else made_ms
        used = _unpacked(stored) if stored else NO_COUNTERS
        longest: tuple[int, bytes] | None = None
        self._counters: dict[int, SlidingWindowCounter] = {}
        self._limits: list[tuple[RateLimit, SlidingWindowCounter]] = []
        for limit, period_ms in limits:
            counter = self._counters.get(period_ms)
            if counter is None:
                found = used.get(period_ms)
                if found is None:
                    # A rate limit with a new period begins with the entries of the longest one, so that a change of
                    # limits does not restore used calls.
                    found = longest = longest or (used[max(used)] if used else NOTHING_USED)
                counter = SlidingWindowCounter(period_ms, found[1], found[0], now_ms, made_ms)
                self._counters[period_ms] = counter
            self._limits.append((limit, counter))

    def exceeded_by(self, weight: int) -> RateLimit | None:
        """Return the first rate limit that does not allow `weight` more, or None if all do."""
        for limit, counter in self._limits:
            if counter.used + weight > limit.limit:
                return limit
        return None

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
            maximum = limit.limit
            remaining = maximum - counter.used
            if remaining < 0:  # noqa: PLR1730  max() takes three times as long
                remaining = 0
            reset_at_ms = counter.reset_at_ms
            statuses.append(RateLimitStatus(limit.name, maximum, limit.period_seconds, remaining, reset_at_ms))
        return statuses

    def stored(self) -> bytes:
        """Return the counters as they are stored."""
        return b"".join(
            [_stored(period_ms, counter.used, counter.entries) for period_ms, counter in self._counters.items()]
        )


def with_windows(stored: bytes, windows: str) -> bytes:
    """Return stored counters with those that an earlier version of Keyhouse has stored as JSON.

    `windows` are lists of a period in milliseconds, then times and weights in turn.
    """
    if windows == NO_WINDOWS:
        return stored
    found = {period_ms: list(ENTRY.iter_unpack(entries)) for period_ms, (_, entries) in _unpacked(stored).items()}
    for period_ms, *rest in orjson.loads(windows):
        found.setdefault(period_ms, []).extend(zip(rest[::2], rest[1::2], strict=True))
    counters = [
        (period_ms, sum(weight for _, weight in entries), packed(sorted(entries)))
        for period_ms, entries in found.items()
    ]
    return b"".join([_stored(*counter) for counter in counters])


def _stored(period_ms: int, used: int, entries: bytes) -> bytes:
    return COUNTER.pack(period_ms, used, len(entries)) + entries


def _unpacked(stored: bytes) -> dict[int, tuple[int, bytes]]:
    """Return what is used in each period, with its entries."""
    found, position = {}, 0
    while position < len(stored):
        period_ms, used, length = COUNTER.unpack_from(stored, position)
        position += COUNTER.size
        found[period_ms] = (used, stored[position : position + length])
        position += length
    return found
