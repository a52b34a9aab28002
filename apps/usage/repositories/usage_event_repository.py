"""Keeps the usage events' table in shape, and sums them up."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows

SQL = load_statements(Path(__file__).with_name("usage_events.sql"))


class UsedOnDay(NamedTuple):
    """A key's calls on one day, in UTC, and what they cost."""

    api_key_id: int
    day: date
    calls: int
    cost: Decimal


class UsageEventRepository:
    """The usage events' partitions."""

    async def ensure_partitions(self, months_ahead: int) -> None:
        """Make the partitions of this month and those ahead, where they are missing; safe to run at any time."""
        await fetch_rows("SELECT ensure_usage_partitions(%s)", [months_ahead])

    async def lately(self, user_id: int, maximum: int) -> tuple[list[UsedOnDay], int]:
        """Return what each key was used for on each of the last 31 days, the newest first, and how many there are."""
        rows = await fetch_rows(SQL["lately"], [user_id, maximum])
        return [UsedOnDay(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
