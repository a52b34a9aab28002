"""Removes rows that are over."""

from pathlib import Path
from typing import Any

from apps.core.database.sql_files import load_statements
from apps.core.database.statements import fetch_rows

SQL = load_statements(Path(__file__).with_name("session_clean_up.sql"))


class SessionCleanUpRepository:
    """Each method is one statement in a transaction of its own, which passes over rows that are in use."""

    async def remove_login_attempts(self, maximum: int) -> int:
        """Remove at most so many pairs whose wrong passwords are forgiven, and return how many."""
        return await _number(SQL["login_attempts"], [maximum])

    async def remove_sessions(self, maximum: int) -> int:
        """Remove at most so many sessions that were over 90 days ago, and return how many."""
        return await _number(SQL["sessions"], [maximum])

    async def remove_signing_keys(self, maximum: int) -> int:
        """Remove at most so many signing keys that retired 30 days ago, and return how many."""
        return await _number(SQL["signing_keys"], [maximum])

    async def remove_admin_sessions(self, maximum: int) -> int:
        """Remove at most so many rows of Django's for browsers whose session has expired, and return how many."""
        return await _number(SQL["admin_sessions"], [maximum])


async def _number(sql: str, parameters: Any) -> int:
    return int((await fetch_rows(sql, parameters))[0][0])
