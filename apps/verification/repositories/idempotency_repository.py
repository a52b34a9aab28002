"""Removes idempotency records, and finds those of refused calls."""

from datetime import datetime
from pathlib import Path

from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("idempotency_records.sql"))


class IdempotencyRepository:
    """The rows of idempotency records, which verification reads and writes."""

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` records that are older than a day, skipping locked ones, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])

    async def refused(
        self, request_id: str, user_id: int | None, hours: int, maximum: int
    ) -> list[tuple[datetime, str]]:
        """Return the times and the responses of refused calls with this request id, the newest first.

        Up to `maximum` of the last hours, of the account's keys or, with None, of all.
        """
        values = {"request_id": request_id, "user_id": user_id, "hours": hours, "maximum": maximum}
        return [(answered_at, answer) for answered_at, answer in await fetch_rows(SQL["refused"], values)]
