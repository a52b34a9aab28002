"""Sums usage over a period, by intervals and groups."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.errors import ValidationFailed
from apps.usage.domain.usage_period import Interval, UsagePeriod
from apps.usage.repositories.usage_denial_repository import MINUTES_KEPT_DAYS, UsageDenialRepository
from apps.usage.repositories.usage_report_repository import UsageReportRepository, UsageSum
from apps.usage.schemas.usage_report import UsageInInterval, UsageNumbers, UsageOfGroup, UsageQuery, UsageReport

NOTHING = Decimal("0.000000")
IN_DAYS = {Interval.DAY, Interval.MONTH}


class UsageReports:
    """Reads sums that are exact: calls that are not rolled up or expanded yet are in them.

    For callers that have checked who may read them.
    """

    def __init__(self, reports: UsageReportRepository, denials: UsageDenialRepository) -> None:
        self._reports = reports
        self._denials = denials

    async def of_customer(
        self, user_id: int, key_ids: Sequence[int], query: UsageQuery, callers: Sequence[str] = ()
    ) -> UsageReport:
        """Return the usage of a customer, whose keys these are, and who verifies keys as these callers.

        Raises ValidationFailed.
        """
        if query.group_by == "customer":
            raise ValidationFailed.of("group_by", "customer is for the usage of all customers, without user_id")
        period = _period(query)
        sums = await self._reports.of_customer(user_id, key_ids, period, query.group_by, query.top)
        unknown_keys = await self._denials.unknown_keys(callers, period.starts_at, period.ends_at)
        report = await run_in_hashing_thread(_report, user_id, query, period, sums)
        return report.model_copy(update={"unknown_keys": unknown_keys})

    async def of_all(self, query: UsageQuery) -> UsageReport:
        """Return the usage of all customers together, without refused calls, by whole days. Raises ValidationFailed."""
        if query.interval not in IN_DAYS or query.tz != "UTC":
            raise ValidationFailed.of("interval", "must be day or month, of UTC, for the usage of all customers")
        period = _period(query.model_copy(update={"ends_at": query.ends_at or _tomorrow()}))
        if not period.whole_days:
            raise ValidationFailed.of("from", "must be the beginning of a day (UTC) for the usage of all customers")
        sums = await self._reports.of_all(period, query.group_by, query.top)
        return await run_in_hashing_thread(_report, None, query, period, sums)


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
    by_name: dict[str | None, list[UsageSum]] = {}
    for each in sums:
        by_name.setdefault(each.name, []).append(each)
    others = by_name.pop(None, [])
    groups = [_group(query, period, str(name), of_group) for name, of_group in by_name.items()]
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
        other=_numbers(others, has_refused=has_refused) if query.group_by else None,
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
    values = _sums(sums, has_refused=has_refused)
    # Not validated, which would take most of the time of a long report.
    return UsageInInterval.model_construct(starts_at=starts_at, ends_at=ends_at, **values)


def _numbers(sums: Sequence[UsageSum], *, has_refused: bool) -> UsageNumbers:
    return UsageNumbers.model_construct(**_sums(sums, has_refused=has_refused))


def _sums(sums: Sequence[UsageSum], *, has_refused: bool) -> dict[str, Any]:
    return {
        "calls": sum(each.calls for each in sums),
        "refused": sum(each.refused for each in sums) if has_refused else None,
        "weight": sum(each.weight for each in sums),
        "cost": sum((each.cost for each in sums), NOTHING),
    }
