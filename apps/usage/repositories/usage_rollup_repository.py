"""Adds usage events to the rollups."""

from datetime import datetime
from pathlib import Path

from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("usage_rollups.sql"))


class UsageRollupRepository:
    """The rollups' rows, and the mark up to which they contain all usage events."""

    async def claim(self, pause_seconds: float) -> bool:
        """Let this transaction be the one that rolls up.

        Return whether it is, and the mark is older than the pause.
        """
        return bool((await fetch_rows(SQL["claim"], {"pause": pause_seconds}))[0][0])

    async def lock(self) -> datetime:
        """Wait until no batch is being expanded, let none be until the transaction ends, and return the mark."""
        await fetch_rows(SQL["wait_for_expansion"])
        mark: datetime = (await fetch_rows(SQL["lock"]))[0][0]
        return mark

    async def end_of_part(self, since: datetime, maximum: int, lag_seconds: float) -> datetime:
        """Return the time up to which about `maximum` events reach from `since`; at most the lag before now."""
        values = {"since": since, "maximum": maximum, "lag": lag_seconds}
        end: datetime = (await fetch_rows(SQL["end_of_part"], values))[0][0]
        return end

    async def add(self, since: datetime, until: datetime) -> int:
        """Add the events of this time to the rollups, move the mark to its end, and return their number."""
        return int((await fetch_rows(SQL["add"], {"since": since, "until": until}))[0][0])
