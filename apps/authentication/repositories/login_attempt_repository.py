"""Counts wrong passwords for a pair of account and client address."""

from math import ceil
from pathlib import Path

from apps.core.database.queries import fetch_rows
from apps.core.database.sql_files import load_statements

SQL = load_statements(Path(__file__).with_name("login_attempts.sql"))


class LoginAttemptRepository:
    """The pairs' rows. Each method is one atomic statement, and returns the seconds the pair is locked for, or 0."""

    async def locked_seconds(self, account: str, client_address: str) -> int:
        """Return how long the pair is locked."""
        return _seconds(await fetch_rows(SQL["locked"], [account, client_address]))

    async def count_wrong(self, account: str, client_address: str) -> int:
        """Count a wrong password; of many at once only the allowed number find the pair not locked yet."""
        if await fetch_rows(SQL["count_wrong"], [account, client_address]):
            return 0
        return await self.locked_seconds(account, client_address) or 1

    async def forgive(self, account: str, client_address: str) -> int:
        """Begin anew after a right password, unless wrong ones have locked the pair meanwhile."""
        return _seconds(await fetch_rows(SQL["forgive"], [account, client_address] * 2))


def _seconds(rows: list[tuple[float]]) -> int:
    return max(1, ceil(rows[0][0])) if rows else 0
