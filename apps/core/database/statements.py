"""Reads statements from .sql files, and runs them on the open transaction of the running task, or else on the pool."""

import re
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from apps.core.database.open_transaction import open_connection
from apps.core.database.parameters import Parameters, bound
from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.pipelined_transaction import BEING_CHANGED, STALE
from apps.core.database.pool import READ_LOCK_TIMEOUT, connection, search_transaction, transaction_settings
from apps.core.errors import Unavailable

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


async def fetch_rows(sql: str, parameters: Parameters = ()) -> Rows:
    """Return the rows of one statement, which uses the placeholders `%s` or `%(name)s`."""
    opened = open_connection()
    if opened is not None:
        rows: Rows = await opened.fetch_rows(*bound(sql, parameters))
        return rows
    async with connection() as borrowed:
        cursor = await _run(borrowed, sql, parameters)
        # `cursor.description` would create an object for each column.
        return await cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []


async def fetch_searched_rows(sql: str, parameters: Parameters = ()) -> Rows:
    """Return the rows of a search, for which PostgreSQL chooses the plan by the searched values.

    How rare a word is decides whether its index is faster than reading rows in order until a page is full.
    """
    async with search_transaction() as borrowed:
        cursor = await borrowed.execute(sql, parameters, prepare=False)
        return await cursor.fetchall()


async def execute(sql: str, parameters: Parameters = ()) -> int:
    """Run one statement and return the number of affected rows."""
    opened = open_connection()
    if opened is not None:
        return int(await opened.execute(*bound(sql, parameters)))
    async with connection() as borrowed:
        return (await _run(borrowed, sql, parameters)).rowcount


async def _run(borrowed: AsyncConnection[Any], sql: str, parameters: Parameters) -> AsyncCursor[Any]:
    try:
        begin = transaction_settings(READ_LOCK_TIMEOUT)
        if begin is None:
            return await borrowed.execute(sql, parameters)
        async with borrowed.transaction():
            await borrowed.execute(begin)
            return await borrowed.execute(sql, parameters)
    except STALE as error:
        # A table has changed since psycopg prepared the statement, which it would use until the connection ends.
        await borrowed.close()  # the pool opens another connection
        raise Unavailable(BEING_CHANGED) from error


def load_statements(path: Path) -> dict[str, str]:
    """Return the statements in an app's .sql file by name.

    A statement begins after a line `-- name: <name>` and ends before the next such line.
    """
    parts = _HEADING.split(path.read_text(encoding="utf-8"))
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
