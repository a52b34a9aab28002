"""The calls of the last day are drawn as bars, and said in words."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.backoffice.admin.sparkline import HEIGHT, sparkline
from apps.usage.schemas.usage_event import CallsOfHour

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def hours(*numbers: tuple[int, int], is_more: bool = False) -> list[CallsOfHour]:
    """Return hours from noon on, each with its allowed and its refused calls."""
    return [
        CallsOfHour(hour=NOON + timedelta(hours=number), allowed=allowed, allowed_is_more=is_more, refused=refused)
        for number, (allowed, refused) in enumerate(numbers)
    ]


def test_refused_calls_stand_on_allowed_ones():
    drawn = sparkline(hours((2, 0), (0, 0), (3, 1)))
    assert drawn is not None
    assert [(bar.kind, bar.x, bar.y, bar.height) for bar in drawn.bars] == [
        ("allowed", 0, "12.0", "12.0"),
        ("allowed", 12, "6.0", "18.0"),
        ("refused", 12, "0.0", "6.0"),
    ]
    assert (drawn.width, drawn.height) == (17, HEIGHT)
    assert drawn.label == "Calls of the last 3 hours: 5 allowed, 1 refused; most from 14:00 on (UTC)"


def test_few_calls_beside_many_are_seen_and_stay_inside():
    drawn = sparkline(hours((1, 0), (1000, 1), (0, 1_000_000), is_more=True))
    assert drawn is not None
    assert [bar.height for bar in drawn.bars] == ["1.0", "1.0", "1.0", "24.0"]
    assert all(float(bar.y) >= 0 for bar in drawn.bars)
    assert "at least 1,001 allowed, 1,000,001 refused" in drawn.label


@pytest.mark.parametrize("numbers", [[], [(0, 0)]])
def test_without_calls_nothing_is_drawn(numbers: list[tuple[int, int]]):
    assert sparkline(hours(*numbers)) is None
