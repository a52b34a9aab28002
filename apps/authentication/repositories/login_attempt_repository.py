"""Counts wrong passwords for a pair of account and client address, and for the account."""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import NamedTuple

from apps.core.database.statements import execute, fetch_rows, load_statements

UNKNOWN_CLIENTS = "*"  # those that have not signed in to the account for 90 days
SQL = load_statements(Path(__file__).with_name("login_attempts.sql"))


class CountedWrong(NamedTuple):
    """The result of counting: for how many seconds the pair was already locked, or which clients are now locked out."""

    locked_seconds: int = 0
    locks_out: str | None = None


class PasswordLock(NamedTuple):
    """A lock of the pair of an account and a client address, or of the account for UNKNOWN_CLIENTS."""

    client_address: str
    failures: int
    locked_until: datetime


class LoginAttemptRepository:
    """Counts of wrong passwords. Each method is one atomic statement and returns for how long the pair is locked.

    `account` is an e-mail address in its canonical form, whether or not an account has it.
    """

    async def locked_seconds(self, account: str, client_address: str) -> int:
        """Return for how many seconds the pair is locked, or 0."""
        rows = await fetch_rows(SQL["locked"], {"account": account, "client": client_address})
        return max(1, ceil(rows[0][0])) if rows else 0

    async def count_wrong(self, account: str, client_address: str) -> CountedWrong:
        """Count a wrong password. Of concurrent ones, only the allowed number find the pair unlocked.

        The attempt that begins a lock returns which clients it locks out: `client` for this one, or `strangers` for all
        that have not signed in to the account for 90 days.
        """
        rows = await fetch_rows(SQL["count_wrong"], {"account": account, "client": client_address})
        if rows:
            return CountedWrong(locks_out=rows[0][0])
        return CountedWrong(await self._locked_seconds_now(account, client_address))

    async def count_right(self, account: str, client_address: str) -> int:
        """Reset the count after a correct password and remember the client, unless the pair is locked."""
        if await fetch_rows(SQL["count_right"], {"account": account, "client": client_address}):
            return 0
        return await self._locked_seconds_now(account, client_address)

    async def unlock(self, account: str, client_address: str) -> None:
        """Reset the pair's count, locked or not, and remember the client for 90 days."""
        await execute(SQL["unlock"], {"account": account, "client": client_address})

    async def locks(self, account: str, maximum: int) -> list[PasswordLock]:
        """Return up to `maximum` of the account's locks that last, that of UNKNOWN_CLIENTS first."""
        return [PasswordLock(*row) for row in await fetch_rows(SQL["locks"], {"account": account, "maximum": maximum})]

    async def locked_accounts(self, accounts: Mapping[int, str]) -> dict[int, datetime]:
        """Return those of the accounts, by id with their addresses, that have a lock, and when the last one ends."""
        values = {"ids": list(accounts), "emails": list(accounts.values())}
        return dict(await fetch_rows(SQL["locked_accounts"], values))

    async def lift_locks(self, account: str) -> int:
        """End the account's locks and reset the counts that caused them; return how many."""
        return await execute(SQL["lift_locks"], [account])

    async def delete_until(self, account: str, until: datetime) -> None:
        """Delete the account's counts and remembered clients from before `until`."""
        await execute(SQL["delete_until"], {"account": account, "until": until})

    async def _locked_seconds_now(self, account: str, client_address: str) -> int:
        return await self.locked_seconds(account, client_address) or 1
