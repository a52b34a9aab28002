"""Counts codes before they are verified."""

from pathlib import Path

from apps.core.database.statements import execute, fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("factor_attempts.sql"))
EVERYWHERE = ""  # in place of an address: the account's six-digit codes from all of them


class FactorAttemptRepository:
    """The counts' rows, of which the account is locked before they are written. Each method is one statement."""

    async def locked_seconds(self, user_id: int, address: str) -> int:
        """Return for how long the pair of account and address is locked, or 0."""
        rows = await fetch_rows(SQL["locked_seconds"], {"user": user_id, "address": address})
        return max(1, int(rows[0][0])) if rows and rows[0][0] is not None else 0

    async def count(self, user_id: int, address: str) -> int:
        """Count a code from the address and return how many that makes in a row; 0 while the pair is locked."""
        rows = await fetch_rows(SQL["count_for_address"], {"user": user_id, "address": address})
        return int(rows[0][0]) if rows else 0

    async def count_everywhere(self, user_id: int, maximum: int) -> int:
        """Count a six-digit code of the account and return how many that makes in a day; the `maximum` locks them."""
        rows = await fetch_rows(SQL["count_for_account"], {"user": user_id, "maximum": maximum})
        return int(rows[0][0]) if rows else maximum

    async def account_locked_until(self, user_id: int) -> int:
        """Return until when the account's six-digit codes are locked, in Unix seconds."""
        return int((await fetch_rows(SQL["account_locked_until"], {"user": user_id}))[0][0])

    async def delete(self, user_id: int, address: str) -> None:
        """Delete the count of the pair, and its lock."""
        await execute(SQL["delete_for_address"], {"user": user_id, "address": address})

    async def take_back_everywhere(self, user_id: int) -> None:
        """Take back the count of one six-digit code of the account; those before it remain."""
        await execute(SQL["take_back_for_account"], {"user": user_id})

    async def delete_expired(self, maximum: int) -> int:
        """Delete up to `maximum` counts that no longer lock anyone out, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])
