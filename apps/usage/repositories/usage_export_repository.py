"""Reads the calls of a customer as lines of a file."""

from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("usage_exports.sql"))
ExportFormat = Literal["csv", "ndjson"]
NEWLINES = {"csv": r"E'\r\n'", "ndjson": r"E'\n'"}
STATEMENTS = {
    name: SQL["part"].replace("{line}", SQL[name]).replace("{newline}", newline) for name, newline in NEWLINES.items()
}


class ExportedPart(NamedTuple):
    """Lines, their number, and the time and the id of the last call."""

    lines: str
    size: int
    last_at: datetime
    last_id: int


class UsageExportRepository:
    """The calls, in order of time and id."""

    async def part(
        self,
        kind: ExportFormat,
        user_id: int,
        after: tuple[datetime, int],
        ends_at: datetime,
        maximum: int,
        *,
        shows_cost: bool,
    ) -> ExportedPart | None:
        """Return up to `maximum` calls after this time and id and before the end, or None if there are none."""
        values = {
            "user_id": user_id,
            "after_at": after[0],
            "after_id": after[1],
            "ends_at": ends_at,
            "maximum": maximum,
            "shows_cost": shows_cost,
        }
        rows = await fetch_rows(STATEMENTS[kind], values)
        return ExportedPart(*rows[0]) if rows else None
