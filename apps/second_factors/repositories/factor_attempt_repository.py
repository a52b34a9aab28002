"""Counts codes before they are verified."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from apps.core.database.statements import execute, fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("factor_attempts.sql"))
ALL_ADDRESSES = ""  # instead of an address: the account's six-digit codes from all addresses


class CodeLock(NamedTuple):
    """A lock of an account's codes from an address, or, with ALL_ADDRESSES, of its six-digit codes from all."""

    client_address: str
    failures: int
    locked_until: datetime


class FactorAttemptRepository:
    """Counts of codes. Lock the account before writing one. Each method is one statement."""

    async def locked_seconds(self, user_id: int, address: str) -> int:
        """Return for how many seconds the pair of account and address is locked, or 0."""
        rows = await fetch_rows(SQL["locked_seconds"], {"user": user_id, "address": address})
        return max(1, int(rows[0][0])) if rows and rows[0][0] is not None else 0

    async def count(self, user_id: int, address: str) -> int:
        """Count a code from the address and return the number of consecutive ones, or 0 while the pair is locked."""
        rows = await fetch_rows(SQL["count_for_address"], {"user": user_id, "address": address})
        return int(rows[0][0]) if rows else 0

    async def count_of_account(self, user_id: int, maximum: int) -> int:
        """Count a six-digit code of the account, lock these codes at `maximum`, and return the number within a day."""
        rows = await fetch_rows(SQL["count_for_account"], {"user": user_id, "maximum": maximum})
        return int(rows[0][0]) if rows else maximum

    async def account_locked_until(self, user_id: int) -> int:
        """Return the end of the lock of the account's six-digit codes, in Unix seconds."""
        return int((await fetch_rows(SQL["account_locked_until"], {"user": user_id}))[0][0])

    async def delete(self, user_id: int, address: str) -> None:
        """Delete the count of the pair, and its lock."""
        await execute(SQL["delete_for_address"], {"user": user_id, "address": address})

    async def uncount_of_account(self, user_id: int) -> None:
        """Subtract one six-digit code from the account's count."""
        await execute(SQL["take_back_for_account"], {"user": user_id})

    async def locks(self, user_id: int, maximum: int) -> list[CodeLock]:
        """Return up to `maximum` of the account's locks that last, that of all addresses first."""
        return [CodeLock(*row) for row in await fetch_rows(SQL["locks"], {"user": user_id, "maximum": maximum})]

    async def locked_accounts(self, user_ids: Collection[int]) -> dict[int, datetime]:
        """Return those of the accounts that have a lock, and when the last one ends."""
        return dict(await fetch_rows(SQL["locked_accounts"], [list(user_ids)]))

    async def lift_locks(self, user_id: int) -> int:
        """Delete the account's counts that lock, and return how many."""
        return await execute(SQL["lift_locks"], [user_id])

    async def delete_expired(self, maximum: int) -> int:
        """Delete up to `maximum` counts that no longer have an effect, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])
