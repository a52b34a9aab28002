"""Periods are cut at the hours, days and months of a time zone, whatever its clocks do."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.usage.domain.usage_period import (
    INTERVALS_MAXIMUM,
    QUARTER,
    Interval,
    TooManyIntervals,
    UsagePeriod,
    number_of,
    rounded_up,
    start_of,
    usage_period,
)

pytestmark = pytest.mark.unit

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "America/Havana",
    "Pacific/Apia",
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def hours_of(period: UsagePeriod) -> list[float]:
    bounds = (period.bounds_of(number) for number in range(len(period.starts)))
    return [(end - start) / timedelta(hours=1) for start, end in bounds]


def test_day_on_which_clocks_go_forward_has_23_hours():
    period = usage_period(utc(2026, 3, 27, 23), utc(2026, 3, 30, 22), Interval.DAY, BERLIN)
    assert hours_of(period) == [24, 23, 24]
    assert period.starts[1:] == (utc(2026, 3, 28, 23), utc(2026, 3, 29, 22))


def test_day_on_which_clocks_go_back_has_25_hours_and_its_double_hour_is_two():
    day = utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)
    assert hours_of(usage_period(*day, Interval.DAY, BERLIN)) == [25]
    assert hours_of(usage_period(*day, Interval.HOUR, BERLIN)) == [1] * 25


def test_hour_in_which_clocks_go_back_by_half_an_hour_is_an_hour_and_a_half():
    period = usage_period(utc(2026, 4, 4, 13), utc(2026, 4, 4, 17), Interval.HOUR, ZoneInfo("Australia/Lord_Howe"))
    assert hours_of(period) == [1, 1.5, 1, 0.5]
    assert all(start.astimezone(ZoneInfo("Australia/Lord_Howe")).minute == 0 for start in period.starts[1:])


def test_days_of_zones_that_are_no_whole_hours_from_utc():
    period = usage_period(utc(2026, 5, 1), utc(2026, 5, 3), Interval.DAY, ZoneInfo("Asia/Kathmandu"))
    assert period.starts == (utc(2026, 5, 1), utc(2026, 5, 1, 18, 15), utc(2026, 5, 2, 18, 15))


def test_day_that_begins_when_clocks_skip_midnight():
    period = usage_period(utc(2026, 4, 23, 12), utc(2026, 4, 24, 12), Interval.DAY, ZoneInfo("Africa/Cairo"))
    assert period.starts[1] == utc(2026, 4, 23, 22)
    assert period.starts[1].astimezone(ZoneInfo("Africa/Cairo")).hour == 1


def test_months_of_a_time_zone():
    period = usage_period(utc(2026, 1, 15), utc(2026, 4, 1), Interval.MONTH, BERLIN)
    assert period.starts[1:] == (utc(2026, 1, 31, 23), utc(2026, 2, 28, 23), utc(2026, 3, 31, 22))


def test_a_period_has_a_maximum_of_intervals():
    begin = utc(2026, 1, 1)
    whole = usage_period(begin, begin + timedelta(hours=INTERVALS_MAXIMUM), Interval.HOUR, BERLIN)
    assert len(whole.starts) == INTERVALS_MAXIMUM
    with pytest.raises(TooManyIntervals):
        usage_period(begin, begin + timedelta(hours=INTERVALS_MAXIMUM + 1), Interval.HOUR, BERLIN)


def test_whole_days_of_utc_are_known():
    days = usage_period(utc(2026, 3, 1), utc(2026, 3, 3), Interval.DAY, ZoneInfo("UTC"))
    assert days.whole_days == [utc(2026, 3, 1), utc(2026, 3, 2)]
    assert usage_period(utc(2026, 3, 1), utc(2026, 3, 3), Interval.DAY, BERLIN).whole_days == []
    assert usage_period(utc(2026, 3, 1), utc(2026, 3, 2, 1), Interval.DAY, ZoneInfo("UTC")).whole_days == []


@given(
    st.sampled_from(ZONES),
    st.sampled_from([Interval.HOUR, Interval.DAY, Interval.MONTH]),
    st.integers(0, 96 * 365 * 3),
    st.integers(1, 96 * 40),
)
def test_intervals_cover_the_period_and_begin_where_their_name_says(
    name: str, interval: Interval, first: int, quarters: int
):
    zone, begin = ZoneInfo(name), utc(2024, 1, 1) + first * QUARTER
    period = usage_period(begin, begin + quarters * QUARTER, interval, zone)
    assert period.starts[0] == begin
    assert all(earlier < later for earlier, later in pairwise([*period.starts, period.ends_at]))
    for number, start in enumerate(period.starts):
        _, end = period.bounds_of(number)
        assert start_of(end - timedelta(microseconds=1), interval, zone) <= start
        assert number_of(period.starts, start) == number_of(period.starts, end - timedelta(microseconds=1)) == number
        if number:
            assert start_of(start, interval, zone) == start


def test_starts_of_earlier_intervals():
    now = utc(2026, 3, 30, 12, 34, 56)
    assert start_of(now, Interval.MINUTE, BERLIN, before=60) == utc(2026, 3, 30, 11, 34)
    assert start_of(now, Interval.HOUR, ZoneInfo("Asia/Kathmandu"), before=1) == utc(2026, 3, 30, 11, 15)
    assert start_of(now, Interval.DAY, BERLIN, before=1) == utc(2026, 3, 28, 23)
    assert start_of(now, Interval.MONTH, BERLIN, before=3) == utc(2025, 11, 30, 23)
    assert rounded_up(now, QUARTER) == utc(2026, 3, 30, 12, 45)
    assert rounded_up(utc(2026, 1, 1), QUARTER) == utc(2026, 1, 1)
