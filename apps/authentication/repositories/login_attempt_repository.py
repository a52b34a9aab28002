"""Counts wrong passwords for a pair of account and client address, and for the account."""

from datetime import datetime
from math import ceil
from pathlib import Path

from apps.core.database.queries import fetch_rows
from apps.core.database.sql_files import load_statements
from apps.core.database.statements import run_statement

SQL = load_statements(Path(__file__).with_name("login_attempts.sql"))


class LoginAttemptRepository:
    """The counts' rows. Each method is one atomic statement; those of a pair return the seconds it is locked, or 0."""

    async def locked_seconds(self, account: str, client_address: str) -> int:
        """Return how long the pair is locked out."""
        rows = await fetch_rows(SQL["locked"], {"account": account, "client": client_address})
        return max(1, ceil(rows[0][0])) if rows else 0

    async def count_wrong(self, account: str, client_address: str) -> int:
        """Count a wrong password; of many at once only the allowed number find the pair not locked out yet."""
        return await self._unless_locked("count_wrong", account, client_address)

    async def forgive(self, account: str, client_address: str) -> int:
        """Begin anew after a right password, unless wrong ones have locked the pair out meanwhile."""
        return await self._unless_locked("forgive", account, client_address)

    def forget(self, account: str, until: datetime) -> None:
        """Remove the account's counts, and the clients known until then, in the transaction open on this thread."""
        run_statement(SQL["forget"], {"account": account, "until": until})

    async def _unless_locked(self, statement: str, account: str, client_address: str) -> int:
        if await fetch_rows(SQL[statement], {"account": account, "client": client_address}):
            return 0
        return await self.locked_seconds(account, client_address) or 1
