"""Counts wrong passwords for a pair of account and client address."""

from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from apps.core.database.queries import fetch_rows
from apps.core.database.sql_files import load_statements

SQL = load_statements(Path(__file__).with_name("login_attempts.sql"))


class LoginAttemptRepository:
    """The pairs' rows; each method is one atomic statement."""

    async def begin(self, account: str, client_address: str) -> int:
        """Count an attempt before it is judged; return 0, or the seconds to wait when the pair is locked.

        Counting first means that of many guesses at once only the allowed number are judged.
        """
        if await fetch_rows(SQL["begin"], [account, client_address]):
            return 0
        rows = await fetch_rows(SQL["locked_until"], [account, client_address])
        remaining = (rows[0][0] - datetime.now(UTC)).total_seconds() if rows else 1.0
        return max(1, ceil(remaining))

    async def forget(self, account: str, client_address: str) -> None:
        """Begin anew after a right password."""
        await fetch_rows(SQL["forget"], [account, client_address])
