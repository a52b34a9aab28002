"""Counts used weights in a sliding window of time."""

from collections.abc import Iterable
from struct import Struct

SLOTS = 60
# An entry may be ahead of the clock by the time that a batch may have waited for a lock; the batch then begins at it.
# An entry further ahead was made by a clock that has since been set back, and counts as made now.
AHEAD_MS = 15_000
# A time in milliseconds since 1970, and the weight that was used then.
ENTRY = Struct(">qI")
ENTRY_SIZE, _entry_at, _packed_entry = ENTRY.size, ENTRY.unpack_from, ENTRY.pack
WEIGHT_MAXIMUM = 2**32 - 1  # of an entry


class SlidingWindowCounter:
    """The usage in the last `period_ms`: `entries` in order of time, packed as ENTRY, which together weigh `used`.

    A weight counts from its timestamp until one period later, so that no interval as long as a period ever contains
    more than the limit. To stay small, once there are sixty entries, calls in the same sixtieth of a period count as
    made at the last of them: they stop counting at most that much late, never early. A limit of up to sixty is exact.
    """

    __slots__ = ("_made_ms", "_newest_ms", "_newest_weight", "entries", "now_ms", "period_ms", "used")

    def __init__(self, period_ms: int, entries: bytes, used: int, now_ms: int, made_ms: int) -> None:
        """Start at `now_ms`, rounded down; a call that is made now is stored with `made_ms`, rounded up."""
        self.period_ms, self.entries, self.used = period_ms, entries, used
        self.now_ms, self._made_ms = now_ms, made_ms
        if not entries:
            self._newest_ms = self._newest_weight = 0
            return
        self._newest_ms, self._newest_weight = _entry_at(entries, len(entries) - ENTRY_SIZE)
        if self._newest_ms > now_ms:
            self._begin_ahead(made_ms - now_ms)
        oldest_ms, _ = _entry_at(self.entries)
        if oldest_ms <= self.now_ms - period_ms:
            self._forget_until(self.now_ms - period_ms)

    def _begin_ahead(self, rounded_ms: int) -> None:
        """Begin when the newest entry was made, which may be ahead of the clock."""
        if self._newest_ms > self.now_ms + AHEAD_MS:
            self.entries = _not_after(self.entries, self.now_ms + rounded_ms)
            self._newest_ms, self._newest_weight = _entry_at(self.entries, len(self.entries) - ENTRY_SIZE)
        self.now_ms = max(self.now_ms, self._newest_ms - rounded_ms)
        self._made_ms = self.now_ms + rounded_ms

    def _forget_until(self, moment_ms: int) -> None:
        entries, start = self.entries, 0
        while start < len(entries):
            made_ms, weight = _entry_at(entries, start)
            if made_ms > moment_ms:
                break
            self.used -= weight
            start += ENTRY_SIZE
        self.entries = entries[start:]

    def add(self, weight: int) -> None:
        """Count `weight` as used now."""
        self.used += weight
        kept = self.entries
        if kept and self._joins_newest(weight):
            weight += self._newest_weight
            kept = kept[:-ENTRY_SIZE]
        self.entries = kept + _packed_entry(self._made_ms, weight)
        self._newest_ms, self._newest_weight = self._made_ms, weight

    def _joins_newest(self, weight: int) -> bool:
        if self._newest_weight + weight > WEIGHT_MAXIMUM:
            return False
        if self._newest_ms == self._made_ms:
            return True
        if len(self.entries) < SLOTS * ENTRY_SIZE:
            return False
        slot_ms = -(-self.period_ms // SLOTS)
        return self._newest_ms // slot_ms == self._made_ms // slot_ms

    def wait_ms(self, used_maximum: int) -> int:
        """Return the time until at most `used_maximum` (0 or more) is used, if no other call is made."""
        excess, end = self.used - used_maximum, self.now_ms
        for made_ms, weight in ENTRY.iter_unpack(self.entries):
            if excess <= 0:
                break
            excess -= weight
            end = made_ms + self.period_ms
        return end - self.now_ms

    @property
    def reset_at_ms(self) -> int:
        """The time at which nothing is used, if no other call is made."""
        return self._newest_ms + self.period_ms if self.entries else self.now_ms


def packed(entries: Iterable[tuple[int, int]]) -> bytes:
    """Return times and weights as a counter keeps them; weights that are too large for an entry are several."""
    return b"".join(ENTRY.pack(made_ms, part) for made_ms, weight in entries for part in _parts(weight))


def _parts(weight: int) -> Iterable[int]:
    while weight > WEIGHT_MAXIMUM:
        yield WEIGHT_MAXIMUM
        weight -= WEIGHT_MAXIMUM
    yield weight


def _not_after(entries: bytes, moment_ms: int) -> bytes:
    return b"".join(ENTRY.pack(min(made_ms, moment_ms), weight) for made_ms, weight in ENTRY.iter_unpack(entries))
