"""The sliding window counter on a plain list, with which the packed one is compared.

It shares no code with it.
"""

SLOTS = 60
AHEAD_MS = 15_000


class ListCounter:
    """The usage in the last `period_ms`: timestamps in milliseconds since 1970, each followed by a weight."""

    __slots__ = ("_entries", "_made_ms", "now_ms", "period_ms", "used")

    def __init__(self, period_ms: int, entries: list[int], now_ms: int, made_ms: int | None = None) -> None:
        """Start at `now_ms`, rounded down; a call that is made now is stored with `made_ms`, rounded up."""
        rounded_ms = 0 if made_ms is None else made_ms - now_ms
        if entries:
            if entries[-2] > now_ms + AHEAD_MS:
                entries = _not_after(entries, now_ms + rounded_ms)
            now_ms = max(now_ms, entries[-2] - rounded_ms)
            entries = _since(entries, now_ms - period_ms)
        self.period_ms = period_ms
        self.now_ms = now_ms
        self._made_ms = now_ms + rounded_ms
        self._entries = entries
        self.used = sum(entries[1::2])

    def add(self, weight: int) -> None:
        """Count `weight` as used now."""
        entries, slot_ms = self._entries, -(-self.period_ms // SLOTS)
        if len(entries) >= 2 * SLOTS and entries[-2] // slot_ms == self._made_ms // slot_ms:
            entries[-2] = self._made_ms
            entries[-1] += weight
        elif entries and entries[-2] == self._made_ms:
            entries[-1] += weight
        else:
            entries += (self._made_ms, weight)
        self.used += weight

    def wait_ms(self, used_maximum: int) -> int:
        """Return the time until at most `used_maximum` (0 or more) is used, if no other call is made."""
        excess, end = self.used - used_maximum, self.now_ms
        for time_ms, weight in zip(self._entries[::2], self._entries[1::2], strict=True):
            if excess <= 0:
                break
            excess -= weight
            end = time_ms + self.period_ms
        return end - self.now_ms

    @property
    def reset_at_ms(self) -> int:
        """The time at which nothing is used, if no other call is made."""
        return self._entries[-2] + self.period_ms if self._entries else self.now_ms

    def stored(self) -> list[int]:
        """Return the period and the entries, for storing."""
        return [self.period_ms, *self._entries]


def _not_after(entries: list[int], moment_ms: int) -> list[int]:
    return [min(value, moment_ms) if place % 2 == 0 else value for place, value in enumerate(entries)]


def _since(entries: list[int], moment_ms: int) -> list[int]:
    start = 0
    while start < len(entries) and entries[start] <= moment_ms:
        start += 2
    return entries[start:] if start else entries
