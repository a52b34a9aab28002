"""Compares balances, ledger and usage, as they were at one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from apps.core.database.pool import long_running_connection
from apps.core.database.sql_files import load_statements

SQL = load_statements(Path(__file__).with_name("ledger_audit.sql"))
CHECKS = tuple(name for name in SQL if name != "sizes")
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# What a sort or a hash may take before it goes to disk.
WORK_MEMORY = "SET LOCAL work_mem = '64MB'"


@dataclass(frozen=True, slots=True)
class Breaches:
    """The first rows that break a check, as its statement returns them, and how many there are."""

    check: str
    rows: list[tuple[Any, ...]]
    total: int


class LedgerAuditRepository:
    """Reads across rooms, as the decision does, because what it proves holds between their tables."""

    async def compare(self, rows_maximum: int) -> tuple[tuple[int, ...], list[Breaches]]:
        """Return how many balances, entries, usage rows and keys there are, and what breaks each check."""
        async with _snapshot() as borrowed:
            (sizes,) = await _fetch(borrowed, SQL["sizes"])
            found = [await _breaches(borrowed, check, rows_maximum) for check in CHECKS]
        return sizes, found


@asynccontextmanager
async def _snapshot() -> AsyncIterator[AsyncConnection[Any]]:
    async with long_running_connection() as borrowed, borrowed.transaction():
        for statement in (SNAPSHOT, WORK_MEMORY):
            await borrowed.execute(statement)
        yield borrowed


async def _breaches(borrowed: AsyncConnection[Any], check: str, rows_maximum: int) -> Breaches:
    rows = await _fetch(borrowed, SQL[check], [rows_maximum])
    return Breaches(check, [row[:-1] for row in rows], rows[0][-1] if rows else 0)


async def _fetch(borrowed: AsyncConnection[Any], sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    cursor = await borrowed.execute(sql, parameters)
    return await cursor.fetchall()
