"""Counts wrong passwords for a pair of account and client address, and for the account."""

from datetime import datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_statement

SQL = load_statements(Path(__file__).with_name("login_attempts.sql"))


class CountedWrong(NamedTuple):
    """What came of counting: for how many seconds the pair was locked out already, or else whom this one locks out."""

    locked_seconds: int = 0
    locks_out: str | None = None


class LoginAttemptRepository:
    """The counts' rows. Each method is one atomic statement; seconds are those that the pair is locked out, or 0."""

    async def locked_seconds(self, account: str, client_address: str) -> int:
        """Return how long the pair is locked out."""
        rows = await fetch_rows(SQL["locked"], {"account": account, "client": client_address})
        return max(1, ceil(rows[0][0])) if rows else 0

    async def count_wrong(self, account: str, client_address: str) -> CountedWrong:
        """Count a wrong password; of many at once only the allowed number find the pair not locked out yet.

        The one that begins a lock says so, once: it locks out the `client`, or all `strangers` to the account.
        """
        rows = await fetch_rows(SQL["count_wrong"], {"account": account, "client": client_address})
        if rows:
            return CountedWrong(locks_out=rows[0][0])
        return CountedWrong(await self._locked_by_now(account, client_address))

    async def forgive(self, account: str, client_address: str) -> int:
        """Begin anew after a right password, unless wrong ones have locked the pair out meanwhile."""
        if await fetch_rows(SQL["forgive"], {"account": account, "client": client_address}):
            return 0
        return await self._locked_by_now(account, client_address)

    def know(self, account: str, client_address: str) -> None:
        """Begin anew for the pair, locked or not, and let no count of strangers lock it out for 90 days.

        In the transaction that is open on the calling thread, in which the account is locked.
        """
        run_statement(SQL["know"], {"account": account, "client": client_address})

    def forget(self, account: str, until: datetime) -> None:
        """Remove the account's counts, and the clients known until then, in the transaction open on this thread."""
        run_statement(SQL["forget"], {"account": account, "until": until})

    async def _locked_by_now(self, account: str, client_address: str) -> int:
        return await self.locked_seconds(account, client_address) or 1
