"""Keeps the usage events' table in shape, and sums them up."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from apps.core.database.queries import fetch_rows
from apps.core.database.sql_files import load_statements

SQL = load_statements(Path(__file__).with_name("usage_events.sql"))


class UsageEventRepository:
    """The usage events' partitions."""

    async def ensure_partitions(self, months_ahead: int) -> None:
        """Make the partitions of this month and those ahead, where they are missing; safe to run at any time."""
        await fetch_rows("SELECT ensure_usage_partitions(%s)", [months_ahead])

    async def lately(self, user_id: int) -> list[tuple[int, date, int, Decimal]]:
        """Return each key's calls and their cost on each of the last 31 days, the oldest first."""
        return [(key_id, day, calls, cost) for key_id, day, calls, cost in await fetch_rows(SQL["lately"], [user_id])]
