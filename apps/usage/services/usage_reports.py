"""Sums usage over a period, by intervals and groups."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from apps.core.errors import ValidationFailed
from apps.usage.domain.usage_period import Interval, UsagePeriod
from apps.usage.repositories.usage_denial_repository import MINUTES_KEPT_DAYS
from apps.usage.repositories.usage_report_repository import UsageReportRepository, UsageSum
from apps.usage.schemas.usage_report import UsageInInterval, UsageNumbers, UsageOfGroup, UsageQuery, UsageReport

NOTHING = Decimal("0.000000")
IN_DAYS = {Interval.DAY, Interval.MONTH}


class UsageReports:
    """Reads sums that are exact: calls that are not rolled up or expanded yet are in them.

    For callers that have checked who may read them.
    """

    def __init__(self, reports: UsageReportRepository) -> None:
        self._reports = reports

    async def of_customer(self, user_id: int, key_ids: Sequence[int], query: UsageQuery) -> UsageReport:
        """Return the usage of a customer, whose keys these are. Raises ValidationFailed."""
        if query.group_by == "customer":
            raise ValidationFailed.of("group_by", "customer is for the usage of all customers, without user_id")
        period = _period(query)
        sums = await self._reports.of_customer(user_id, key_ids, period, query.group_by, query.top)
        return _report(user_id, query, period, sums)

    async def of_all(self, query: UsageQuery) -> UsageReport:
        """Return the usage of all customers together, without refused calls, by whole days. Raises ValidationFailed."""
        if query.interval not in IN_DAYS or query.tz != "UTC":
            raise ValidationFailed.of("interval", "must be day or month, of UTC, for the usage of all customers")
        period = _period(query.model_copy(update={"ends_at": query.ends_at or _tomorrow()}))
        if not period.whole_days:
            raise ValidationFailed.of("from", "must be the beginning of a day (UTC) for the usage of all customers")
        return _report(None, query, period, await self._reports.of_all(period, query.group_by, query.top))


def _period(query: UsageQuery) -> UsagePeriod:
    now = timezone.now()
    try:
        period = query.period(now)
    except ValueError as error:
        raise ValidationFailed.of("from", str(error)) from None
    if query.interval is Interval.MINUTE and period.starts_at < now - timedelta(days=MINUTES_KEPT_DAYS):
        raise ValidationFailed.of("from", f"must be within the last {MINUTES_KEPT_DAYS} days for intervals of a minute")
    return period


def _tomorrow() -> datetime:
    now = timezone.now()
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _report(user_id: int | None, query: UsageQuery, period: UsagePeriod, sums: Sequence[UsageSum]) -> UsageReport:
    names = {each.name: None for each in sums if each.name is not None}
    groups = [_group(query, period, name, [each for each in sums if each.name == name]) for name in names]
    has_refused = user_id is not None
    return UsageReport(
        user_id=user_id,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        interval=period.interval,
        tz=query.tz,
        group_by=query.group_by,
        total=_numbers(sums, has_refused=has_refused),
        intervals=_intervals(period, sums, has_refused=has_refused),
        groups=sorted(groups, key=lambda group: -(group.calls + (group.refused or 0))),
        other=_numbers([each for each in sums if each.name is None], has_refused=has_refused)
        if query.group_by
        else None,
    )


def _group(query: UsageQuery, period: UsagePeriod, name: str, sums: Sequence[UsageSum]) -> UsageOfGroup:
    has_refused = query.group_by in {"key", "code"}
    intervals = [_interval(period, each.number, [each], has_refused=has_refused) for each in sums]
    return UsageOfGroup(
        key_id=int(name) if query.group_by == "key" else None,
        user_id=int(name) if query.group_by == "customer" else None,
        tag=name if query.group_by == "tag" else None,
        code=name if query.group_by == "code" else None,
        intervals=intervals,
        **dict(_numbers(sums, has_refused=has_refused)),
    )


def _intervals(period: UsagePeriod, sums: Sequence[UsageSum], *, has_refused: bool) -> list[UsageInInterval]:
    by_number: dict[int, list[UsageSum]] = {}
    for each in sums:
        by_number.setdefault(each.number, []).append(each)
    return [
        _interval(period, number, by_number.get(number, ()), has_refused=has_refused)
        for number in range(len(period.starts))
    ]


def _interval(period: UsagePeriod, number: int, sums: Sequence[UsageSum], *, has_refused: bool) -> UsageInInterval:
    starts_at, ends_at = period.bounds_of(number)
    return UsageInInterval(starts_at=starts_at, ends_at=ends_at, **dict(_numbers(sums, has_refused=has_refused)))


def _numbers(sums: Iterable[UsageSum], *, has_refused: bool) -> UsageNumbers:
    calls = refused = weight = 0
    cost = NOTHING
    for each in sums:
        calls, refused, weight, cost = (
            calls + each.calls,
            refused + each.refused,
            weight + each.weight,
            cost + each.cost,
        )
    return UsageNumbers(calls=calls, refused=refused if has_refused else None, weight=weight, cost=cost)
