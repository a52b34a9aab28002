"""Counts codes before they are judged."""

from math import ceil
from pathlib import Path

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_statement

SQL = load_statements(Path(__file__).with_name("factor_attempts.sql"))
PAIR_MAXIMUM = 4  # wrong codes in a row that lock nothing
ACCOUNT_MAXIMUM = 50  # wrong six-digit codes within a day, from everywhere
EVERYWHERE = ""


class FactorAttemptRepository:
    """The counts' rows. What is not async runs in the open transaction, in which the account is locked."""

    def locked_seconds(self, user_id: int, client_address: str) -> int:
        """Return for how long the pair of account and address is locked, or 0."""
        rows = run_statement(SQL["locked_seconds"], [user_id, client_address])
        return max(1, ceil(rows[0][0])) if rows and rows[0][0] is not None else 0

    def locked_seconds_everywhere(self, user_id: int) -> int:
        """Return for how long no six-digit code of the account is judged, or 0."""
        return self.locked_seconds(user_id, EVERYWHERE)

    def count(self, user_id: int, client_address: str) -> int:
        """Count a code from the address and return how many that makes in a row; 0 while the pair is locked.

        Beyond PAIR_MAXIMUM it locks the pair, unless it turns out to be right.
        """
        rows = run_statement(SQL["count_for_address"], [user_id, client_address])
        return int(rows[0][0]) if rows else 0

    def count_everywhere(self, user_id: int) -> int:
        """Count a six-digit code of the account and return how many that makes."""
        rows = run_statement(SQL["count_for_account"], {"user": user_id, "maximum": ACCOUNT_MAXIMUM})
        return int(rows[0][0]) if rows else ACCOUNT_MAXIMUM

    def lock_key(self, user_id: int) -> str:
        """Return what the lock of the account's codes that stands is known by."""
        return f"codes:{user_id}:{run_statement(SQL['locked_until'], [user_id])[0][0]}"

    def forgive(self, user_id: int, client_address: str) -> None:
        """Begin anew for the pair after a right code."""
        run_statement(SQL["forgive_address"], [user_id, client_address])

    def give_back_everywhere(self, user_id: int) -> None:
        """Take the count of a right six-digit code back; the wrong ones before it remain."""
        run_statement(SQL["give_back_to_account"], [user_id])

    async def remove_old(self, maximum: int) -> int:
        """Remove at most so many rows that are forgiven, in a transaction of its own, and return how many."""
        return int((await fetch_rows(SQL["clean_up"], [maximum]))[0][0])
