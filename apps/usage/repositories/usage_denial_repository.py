"""Reads counts of refused calls, and rolls them up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from apps.core.database.statements import execute, fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("usage_denials.sql"))
MINUTES_KEPT_DAYS = 7


class UsageDenialRepository:
    """The counts' rows, which verification writes."""

    async def count_recent(self, api_key_id: int) -> list[tuple[str, str, int, datetime]]:
        """Return each code and detail of the last day with their count and last minute, the most recent first."""
        rows = await fetch_rows(SQL["count_recent"], [api_key_id])
        return [(code, detail, count, last_at) for code, detail, count, last_at in rows]

    async def last_of_keys(self, key_ids: Sequence[int]) -> list[tuple[int, str, str, int, datetime]]:
        """Return the last count of the last day of each key: key, code, detail, count and minute, the newest first."""
        rows = await fetch_rows(SQL["last_of_keys"], [list(key_ids)])
        return [(key_id, code, detail, count, minute_at) for key_id, code, detail, count, minute_at in rows]

    async def roll_up_old(self, maximum: int) -> int:
        """Move up to `maximum` counts of minutes to quarters of an hour, skipping locked ones, and return how many.

        Those of the last MINUTES_KEPT_DAYS, and of the day (UTC) before, stay.
        """
        values = {"days": MINUTES_KEPT_DAYS, "maximum": maximum}
        return int((await fetch_rows(SQL["roll_up_old"], values))[0][0])

    async def add_unknown_keys(self, counts: Mapping[tuple[datetime, str], int]) -> None:
        """Add counts of queries about keys that do not exist, by minute and caller."""
        values = {
            "minutes": [minute for minute, _ in counts],
            "callers": [caller for _, caller in counts],
            "counts": list(counts.values()),
        }
        await execute(SQL["add_unknown_keys"], values)

    async def unknown_keys(self, callers: Sequence[str], starts_at: datetime, ends_at: datetime) -> int:
        """Return how many queries of these callers were about keys that do not exist."""
        values = {"callers": list(callers), "starts_at": starts_at, "ends_at": ends_at}
        return int((await fetch_rows(SQL["unknown_keys"], values))[0][0])
