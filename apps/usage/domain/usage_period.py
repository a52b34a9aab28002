"""A time from which usage is read, cut into intervals of a time zone. Pure."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

INTERVALS_MAXIMUM = 1500
QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)
MONTHS = 12


class Interval(StrEnum):
    """How long each part of a period is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class TooManyIntervals(ValueError):
    """The period has more than INTERVALS_MAXIMUM intervals."""


class UsagePeriod(NamedTuple):
    """The times `starts_at <= time < ends_at`, and where its intervals begin: the first at `starts_at`.

    The first and the last interval are shorter where the period begins or ends within an hour, day or month of the time
    zone.
    """

    starts_at: datetime
    ends_at: datetime
    interval: Interval
    starts: tuple[datetime, ...]

    @property
    def whole_days(self) -> list[datetime]:
        """The days of UTC in it, if it begins and ends with a day, and none of its intervals cuts one; else none."""
        if any(start.time() != time.min for start in (*self.starts, self.ends_at)):
            return []
        days = (self.ends_at - self.starts_at).days
        return [self.starts_at + timedelta(days=number) for number in range(days)]

    def bounds_of(self, number: int) -> tuple[datetime, datetime]:
        """Return the start and the end of an interval, counted from 0."""
        following = number + 1
        return self.starts[number], self.starts[following] if following < len(self.starts) else self.ends_at


def usage_period(starts_at: datetime, ends_at: datetime, interval: Interval, zone: ZoneInfo) -> UsagePeriod:
    """Return the period, whose times are in UTC. Raises TooManyIntervals.

    The days of a time zone with daylight saving time have 23 to 25 hours, and the hour that comes twice is two.
    """
    starts = [starts_at]
    for start in _boundaries(starts_at, interval, zone):
        if start >= ends_at:
            break
        starts.append(start)
        if len(starts) > INTERVALS_MAXIMUM:
            raise TooManyIntervals
    return UsagePeriod(starts_at, ends_at, interval, tuple(starts))


def start_of(moment: datetime, interval: Interval, zone: ZoneInfo, before: int = 0) -> datetime:
    """Return the start of the interval of the moment, or of the one that is so many before it, in UTC."""
    local = moment.astimezone(zone)
    if interval is Interval.MINUTE:
        return moment.replace(second=0, microsecond=0) - before * MINUTE
    if interval is Interval.HOUR:
        return _start_of_hour(moment, zone) - timedelta(hours=before)
    if interval is Interval.DAY:
        return _midnight(local.date() - timedelta(days=before), zone)
    year, month = divmod(local.year * MONTHS + local.month - 1 - before, MONTHS)
    return _midnight(date(year, month + 1, 1), zone)


def rounded_up(moment: datetime, step: timedelta) -> datetime:
    """Return the next multiple of the step since the year 2000, or the moment if it is one."""
    origin = datetime(2000, 1, 1, tzinfo=UTC)
    return origin - (origin - moment) // step * step


def number_of(starts: tuple[datetime, ...], moment: datetime) -> int:
    """Return the number of the interval that contains the moment, counted from 0."""
    return bisect_right(starts, moment) - 1


def _boundaries(after: datetime, interval: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the starts of the intervals that begin after the moment."""
    if interval is Interval.MINUTE:
        yield from _minutes(after)
    elif interval is Interval.HOUR:
        yield from _hours(after, zone)
    else:
        yield from _dates(after, interval, zone)


def _minutes(after: datetime) -> Iterator[datetime]:
    start = after.replace(second=0, microsecond=0)
    while True:
        start += MINUTE
        yield start


def _hours(after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    # By quarters: where clocks change by half an hour, one hour of the zone has thirty minutes or ninety.
    start = rounded_up(after, QUARTER)
    while True:
        if start > after and start.astimezone(zone).minute == 0:
            yield start
        start += QUARTER


def _dates(after: datetime, interval: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    day = after.astimezone(zone).date()
    if interval is Interval.MONTH:
        day = day.replace(day=1)
    while True:
        day = _following_month(day) if interval is Interval.MONTH else day + timedelta(days=1)
        start = _midnight(day, zone)
        if start > after:
            yield start


def _start_of_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    start = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    while start.astimezone(zone).minute:
        start -= QUARTER
    return start


def _following_month(day: date) -> date:
    year, month = divmod(day.year * MONTHS + day.month, MONTHS)
    return date(year, month + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the beginning of the day. Where clocks skip midnight, that is the moment at which they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)
