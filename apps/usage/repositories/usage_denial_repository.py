"""Reads how many calls were refused."""

from datetime import datetime
from pathlib import Path

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows

SQL = load_statements(Path(__file__).with_name("usage_denials.sql"))


class UsageDenialRepository:
    """The refused calls' rows, which verification writes."""

    async def lately(self, api_key_id: int) -> list[tuple[str, int, datetime]]:
        """Return each code of the last day, how often it was given and in which minute last, the newest first."""
        return [(code, count, last_at) for code, count, last_at in await fetch_rows(SQL["lately"], [api_key_id])]

    async def remove_old(self, maximum: int) -> int:
        """Remove at most so many counts of more than 90 days ago, and return how many; passes over those in use."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])
