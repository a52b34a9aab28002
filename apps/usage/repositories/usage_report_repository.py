"""Sums usage by intervals and groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

from apps.core.database.pool import search_transaction
from apps.core.database.statements import fetch_rows, load_statements
from apps.usage.domain.usage_period import Interval, UsagePeriod

SQL = load_statements(Path(__file__).with_name("usage_reports.sql"))


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the parts of the statement name the group of a call: in rollups, events, pending batches, and refusals."""

    rollup_name: str
    name: str
    pending_name: str
    refused_name: str


# A row for each customer and day: by default, PostgreSQL would write them to the disk to sum them.
WORK_MEMORY = "SET LOCAL work_mem = '64MB'"
NO_GROUP = "NULL::text"
GROUPINGS: dict[str | None, Grouping] = {
    None: Grouping(NO_GROUP, NO_GROUP, NO_GROUP, NO_GROUP),
    "key": Grouping("api_key_id", "api_key_id", "call.api_key_id", "key.id"),
    "tag": Grouping("tag", "tag", "coalesce(call.tag, '')", NO_GROUP),
    "code": Grouping("'VALID'", "'VALID'", "'VALID'", "denial.code"),
    "customer": Grouping("user_id", "user_id", "call.user_id", "NULL"),
}
OF_ONE = "user_id = %(user_id)s AND"
PENDING_OF_ONE = "batch.user_ids @> ARRAY[%(user_id)s::bigint] AND call.user_id = %(user_id)s AND"
DAYS_OF_ONE = "user_id = %(user_id)s AND day_at = ANY(%(days)s::timestamptz[])"
DAYS_OF_ALL = "day_at >= %(starts_at)s::timestamptz AND day_at < %(ends_at)s::timestamptz"


class UsageSum(NamedTuple):
    """The calls of one interval and one group, whose name is None for the groups that are not among the largest."""

    number: int
    name: str | None
    calls: int
    refused: int
    weight: int
    cost: Decimal


class UsageReportRepository:
    """Reads rollups, usage events, pending batches and counts of refused calls in one statement."""

    async def of_customer(
        self, user_id: int, key_ids: Sequence[int], period: UsagePeriod, group_by: str | None, top: int
    ) -> list[UsageSum]:
        """Return the sums of one customer, whose keys these are, with the names of the `top` largest groups."""
        has_days = group_by in {None, "code"} and bool(period.whole_days)
        values = {**_values(period, top), "user_id": user_id, "key_ids": list(key_ids)}
        rows = await fetch_rows(_statement(group_by, has_days=has_days, is_of_all=False), values)
        return [UsageSum(*row) for row in rows]

    async def of_all(self, period: UsagePeriod, group_by: str | None, top: int) -> list[UsageSum]:
        """Return the sums of all customers' allowed calls, over whole days (UTC)."""
        statement = _statement(group_by, has_days=True, is_of_all=True)
        async with search_transaction() as borrowed:
            await borrowed.execute(WORK_MEMORY, prepare=False)
            cursor = await borrowed.execute(statement, _values(period, top), prepare=False)
            return [UsageSum(*row) for row in await cursor.fetchall()]


def _values(period: UsagePeriod, top: int) -> dict[str, object]:
    return {
        "starts": list(period.starts),
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "days": period.whole_days,
        "is_by_minute": period.interval is Interval.MINUTE,
        "top": top,
    }


@cache
def _statement(group_by: str | None, *, has_days: bool, is_of_all: bool) -> str:
    grouping = GROUPINGS[group_by]
    kind = "customer" if has_days else "tag" if group_by == "tag" else "key"
    days = DAYS_OF_ALL if is_of_all else DAYS_OF_ONE
    rollup = SQL[f"rollup_by_{kind}"].replace("{rollup_name}", grouping.rollup_name).replace("{days}", days)
    parts = {
        "{rollup}": rollup,
        "{refused}": "" if is_of_all else SQL["refused"].replace("{refused_name}", grouping.refused_name),
        "{name}": grouping.name,
        "{pending_name}": grouping.pending_name,
        "{customer}": "" if is_of_all else OF_ONE,
        "{pending_customer}": "" if is_of_all else PENDING_OF_ONE,
    }
    statement = SQL["report"].partition("\nWITH ")
    text = f"WITH {statement[2]}"  # without the comment, which names the parts
    for part, sql in parts.items():
        text = text.replace(part, sql)
    return text
