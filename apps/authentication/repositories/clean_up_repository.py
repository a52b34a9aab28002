"""Deletes expired rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.core.database.statements import fetch_rows, load_statements

SQL = load_statements(Path(__file__).with_name("clean_up.sql"))


class CleanUpRepository:
    """Each method is one statement, which skips rows that are in use, deletes up to `maximum` others and returns how
    many.
    """

    async def delete_login_attempts(self, maximum: int) -> int:
        """Delete counts of wrong passwords that no longer lock out or remember a client."""
        return await _number(SQL["login_attempts"], [maximum])

    async def delete_sessions(self, maximum: int) -> int:
        """Delete sessions that ended 90 days ago."""
        return await _number(SQL["sessions"], [maximum])

    async def delete_signing_keys(self, maximum: int) -> int:
        """Delete signing keys that retired 30 days ago."""
        return await _number(SQL["signing_keys"], [maximum])

    async def delete_admin_sessions(self, maximum: int) -> int:
        """Delete Django's rows for browsers whose session of the admin has expired."""
        return await _number(SQL["admin_sessions"], [maximum])


async def _number(sql: str, parameters: Sequence[Any]) -> int:
    return int((await fetch_rows(sql, parameters))[0][0])
