"""Makes sliding window counters."""

from hypothesis import strategies as st

from apps.verification.services.sliding_window_counter import ENTRY, SlidingWindowCounter, packed

NOW = 1_795_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
PERIODS = [1000, 2000, 7000, 10_000, MINUTE, 61_000, HOUR]
# Milliseconds between calls: many within a slot, some over its edge, some about a period long.
steps = st.one_of(
    st.integers(0, 40), st.integers(0, 400), st.sampled_from([999, 1000, 1001, 9_999, MINUTE, MINUTE + 1])
)


def counter_at(now_ms: int, *entries: int, made_ms: int | None = None, period_ms: int = MINUTE) -> SlidingWindowCounter:
    """Return the counter that has these entries, each a time and a weight."""
    made = packed(zip(entries[::2], entries[1::2], strict=True))
    return SlidingWindowCounter(period_ms, made, sum(entries[1::2]), now_ms, now_ms if made_ms is None else made_ms)


def reopened(counter: SlidingWindowCounter, now_ms: int, made_ms: int | None = None) -> SlidingWindowCounter:
    """Return the counter as the next batch reads it."""
    made_ms = now_ms if made_ms is None else made_ms
    return SlidingWindowCounter(counter.period_ms, counter.entries, counter.used, now_ms, made_ms)


def stored(counter: SlidingWindowCounter) -> list[int]:
    """Return the period and the entries, which weigh what is used."""
    entries = list(ENTRY.iter_unpack(counter.entries))
    assert counter.used == sum(weight for _, weight in entries)
    return [counter.period_ms, *(number for entry in entries for number in entry)]
