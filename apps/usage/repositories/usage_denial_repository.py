"""Reads and removes counts of refused calls."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("usage_denials.sql"))


class RecentDenial(NamedTuple):
    """The number of calls that were refused with this code and detail, and the minute of the last one."""

    code: str
    detail: str
    count: int
    last_at: datetime


class UsageDenialRepository:
    """The counts' rows, which verification writes."""

    async def count_recent(self, api_key_id: int) -> list[RecentDenial]:
        """Return each code and detail of the last day, the most recent first."""
        return [RecentDenial(*row) for row in await fetch_rows(SQL["count_recent"], [api_key_id])]

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` counts of more than 90 days ago, skipping locked ones, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])
