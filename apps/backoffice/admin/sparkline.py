"""A picture of the calls of the last day, drawn on the server, with its content in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.usage.schemas.usage_event import CallsOfHour

BAR_WIDTH, GAP, HEIGHT = 5, 1, 24
LEAST = 1.0  # the height of a bar that is not empty


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `kind` is `allowed` or `refused`."""

    kind: str
    x: int
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars of all hours, refused calls on top of allowed ones, and the same in words."""

    bars: list[Bar]
    label: str
    width: int
    height: int = HEIGHT
    bar_width: int = BAR_WIDTH


def sparkline(hours: Sequence[CallsOfHour]) -> Sparkline | None:
    """Return the picture of these hours, or None if they have no call."""
    most = max((each.allowed + each.refused for each in hours), default=0)
    if not most:
        return None
    bars = [bar for number, each in enumerate(hours) for bar in _bars(number * (BAR_WIDTH + GAP), each, most)]
    return Sparkline(bars, _label(hours), len(hours) * (BAR_WIDTH + GAP) - GAP)


def _bars(x: int, calls: CallsOfHour, most: int) -> list[Bar]:
    bars, bottom = [], float(HEIGHT)
    for kind, number in (("allowed", calls.allowed), ("refused", calls.refused)):
        if number:
            height = min(max(number / most * HEIGHT, LEAST), bottom)
            bottom -= height
            bars.append(Bar(kind, x, f"{bottom:.1f}", f"{height:.1f}"))
    return bars


def _label(hours: Sequence[CallsOfHour]) -> str:
    busiest = max(hours, key=lambda each: each.allowed + each.refused)
    more = "at least " if any(each.allowed_is_more for each in hours) else ""
    allowed, refused = sum(each.allowed for each in hours), sum(each.refused for each in hours)
    return (
        f"Calls of the last {len(hours)} hours: {more}{allowed:,} allowed, {refused:,} refused; "
        f"most from {_hour(busiest.hour)} on (UTC)"
    )


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M}"
