"""Compares balances, the ledger and usage in one snapshot of the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from apps.core.database.pool import long_running_transaction
from apps.core.database.statements import load_statements

SQL = load_statements(Path(__file__).with_name("ledger_audit.sql"))
CHECKS = tuple(name for name in SQL if name != "sizes")
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# The memory of a sort or a hash before it spills to disk.
WORK_MEMORY = "SET LOCAL work_mem = '64MB'"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The first rows that violate a check, as its statement returns them, and their total number."""

    check: str
    rows: list[tuple[Any, ...]]
    total: int


class LedgerAuditRepository:
    """Reads tables of several apps, as verification does, to compare them."""

    async def compare(self, rows_maximum: int) -> tuple[tuple[int, ...], list[CheckResult]]:
        """Return the numbers of balances, entries, usage events and keys, and the result of each check."""
        async with _snapshot() as borrowed:
            (sizes,) = await _fetch(borrowed, SQL["sizes"])
            found = [await _result(borrowed, check, rows_maximum) for check in CHECKS]
        return sizes, found


@asynccontextmanager
async def _snapshot() -> AsyncIterator[AsyncConnection[Any]]:
    async with long_running_transaction() as borrowed:
        for statement in (SNAPSHOT, WORK_MEMORY):
            await borrowed.execute(statement)
        yield borrowed


async def _result(borrowed: AsyncConnection[Any], check: str, rows_maximum: int) -> CheckResult:
    rows = await _fetch(borrowed, SQL[check], [rows_maximum])
    return CheckResult(check, [row[:-1] for row in rows], rows[0][-1] if rows else 0)


async def _fetch(borrowed: AsyncConnection[Any], sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    cursor = await borrowed.execute(sql, parameters)
    return await cursor.fetchall()
