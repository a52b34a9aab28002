"""Removes idempotency records."""

from pathlib import Path

from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("idempotency_records.sql"))


class IdempotencyRepository:
    """The rows of idempotency records, which verification reads and writes."""

    async def remove_old(self, maximum: int) -> int:
        """Remove up to `maximum` records that are older than a day, skipping locked ones, and return how many."""
        return int((await fetch_rows(SQL["remove_old"], [maximum]))[0][0])
