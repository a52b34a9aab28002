"""Usage over a period, in intervals and by groups."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import NUMBER_TEXT, Amount, Identifier, InputTimestamp, Timestamp
from apps.usage.domain.usage_period import (
    INTERVALS_MAXIMUM,
    MINUTE,
    QUARTER,
    Interval,
    TooManyIntervals,
    UsagePeriod,
    rounded_up,
    start_of,
    usage_period,
)

GROUPS_MAXIMUM, GROUPS_DEFAULT = 100, 10
ZONE_LENGTH_MAXIMUM = 64
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 1, 1, tzinfo=UTC)
# How many intervals before the end a period begins by default.
DEFAULT_LENGTHS = {Interval.MINUTE: 60, Interval.HOUR: 24, Interval.DAY: 30, Interval.MONTH: 12}

GroupBy = Literal["key", "tag", "code", "customer"]


def _is_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin") from error
    return name


def _is_in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("must be in the years 2000 to 2998")
    return moment


def _is_after_the_beginning(moment: datetime, info: ValidationInfo) -> datetime:
    starts_at = info.data.get("starts_at")
    if starts_at is not None and starts_at >= moment:
        raise ValueError("must be after from")
    return moment


Moment = Annotated[InputTimestamp, AfterValidator(_is_in_range)]
EndMoment = Annotated[Moment, AfterValidator(_is_after_the_beginning)]  # of a field after `starts_at`
ZoneName = Annotated[str, Field(max_length=ZONE_LENGTH_MAXIMUM), AfterValidator(_is_time_zone)]


def step_of(interval: Interval) -> timedelta:
    """Return the multiples that a period of these intervals begins and ends on."""
    return MINUTE if interval is Interval.MINUTE else QUARTER


class UsageQuery(RequestSchema):
    """Which usage is read.

    `from` (included) and `to` (excluded) are on quarters of an hour, of intervals of a minute on minutes. By default
    the period ends now and begins 30 days, 24 hours, 60 minutes or 12 months earlier. `tz` is the time zone whose
    hours, days and months the intervals are. `user_id` is the account, by default your own; with `group_by=customer`
    it is left out, for all customers.
    """

    model_config = ConfigDict(populate_by_name=True)

    # Before the period, whose steps depend on it.
    interval: Interval = Interval.DAY
    starts_at: Moment | None = Field(default=None, alias="from")
    ends_at: EndMoment | None = Field(default=None, alias="to")
    tz: ZoneName = "UTC"
    group_by: GroupBy | None = None
    top: Annotated[int, Field(ge=1, le=GROUPS_MAXIMUM), NUMBER_TEXT] = GROUPS_DEFAULT
    user_id: Identifier | None = None

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _is_on_a_step(cls, moment: datetime | None, info: ValidationInfo) -> datetime | None:
        interval = info.data.get("interval")
        if moment is not None and interval is not None and moment != rounded_up(moment, step_of(interval)):
            steps = "a minute" if interval is Interval.MINUTE else "a quarter of an hour, such as 12:15"
            raise ValueError(f"must be on {steps}")
        return moment

    @property
    def step(self) -> timedelta:
        """The multiples that the period begins and ends on."""
        return step_of(self.interval)

    def period(self, now: datetime) -> UsagePeriod:
        """Return the period, which by default ends now. Raises ValueError, with what is wrong."""
        zone = ZoneInfo(self.tz)
        ends_at = self.ends_at or rounded_up(now, self.step)
        length = DEFAULT_LENGTHS[self.interval] - 1
        moment = ends_at - timedelta(microseconds=1)
        starts_at = self.starts_at or start_of(moment, self.interval, zone, length)
        if starts_at >= ends_at:
            raise ValueError("must be before to")
        try:
            return usage_period(starts_at, ends_at, self.interval, zone)
        except TooManyIntervals:
            raise ValueError(
                f"is too early for this interval: a period has at most {INTERVALS_MAXIMUM} intervals"
            ) from None


class UsageNumbers(ResponseSchema):
    """Sums of calls.

    `calls` were allowed; `refused` is null where refused calls are not counted so: by tag, and of all customers.
    `weight` counted against rate limits, and `cost` is in credits, null for staff who may not read balances.
    """

    calls: int = 0
    refused: int | None = 0
    weight: int = 0
    cost: Amount | None = Decimal("0.000000")


class UsageInInterval(UsageNumbers):
    """The usage of one interval."""

    starts_at: Timestamp
    ends_at: Timestamp


class UsageOfGroup(UsageNumbers):
    """The usage of one key, tag, code or customer, with its intervals that have calls.

    Of the four names, the one that the report is grouped by is set. `tag` is empty for calls without one.
    """

    key_id: int | None = None
    tag: str | None = None
    code: str | None = None
    user_id: int | None = None
    intervals: list[UsageInInterval]


class UsageReport(ResponseSchema):
    """The usage of a customer, or of all (`user_id` is null), over a period.

    `intervals` are all of the period. `groups` are those with most calls; `other` is what belongs to none of them, null
    without `group_by`. `unknown_keys` counts the verifications that the customer's own keys and sessions asked for and
    whose key does not exist; they are no calls of the customer. It is null for all customers.
    """

    user_id: int | None
    starts_at: Timestamp
    ends_at: Timestamp
    interval: Interval
    tz: str
    group_by: GroupBy | None
    total: UsageNumbers
    intervals: list[UsageInInterval]
    groups: list[UsageOfGroup]
    other: UsageNumbers | None
    unknown_keys: int | None = None
