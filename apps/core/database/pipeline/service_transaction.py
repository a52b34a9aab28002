"""The connection side of `transaction()`: BEGIN, COMMIT, and a rollback that works in every state."""

import asyncio
from collections.abc import Sequence
from typing import Any, NoReturn, override

from psycopg import AsyncConnection, Error
from psycopg.errors import InFailedSqlTransaction
from psycopg.pq import ExecStatus, Format, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from apps.core.database.database_errors import named_violation
from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.pipelined_transaction import BEING_CHANGED, STALE, PipelinedTransaction
from apps.core.database.pool import TRANSACTION_LOCK_TIMEOUT
from apps.core.errors import Unavailable

CANCEL_SECONDS_MAXIMUM = 2.0  # for PostgreSQL to cancel the statement of a cancelled task


class ServiceTransaction(PipelinedTransaction):
    """A pipelined transaction between BEGIN, which is sent with the first statement, and COMMIT or ROLLBACK."""

    lock_timeout = TRANSACTION_LOCK_TIMEOUT

    def __init__(self, borrowed: AsyncConnection[Any]) -> None:
        super().__init__(borrowed, Format.TEXT)  # in text, values are loaded as Django loads them
        self._borrowed = borrowed
        self._is_interrupted = False
        self.send("BEGIN", ())

    async def fetch_rows(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Run one statement and return its rows. Raises ConstraintViolated, Unavailable, or psycopg's errors."""
        result = (await self._run_named((sql, parameters)))[-1]
        return self._rows(result) if result.status == ExecStatus.TUPLES_OK else []

    async def execute(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run one statement and return the number of affected rows. Raises as `fetch_rows` does."""
        return (await self._run_named((sql, parameters)))[-1].command_tuples or 0

    @override
    async def commit(self) -> None:
        """Commit. Raises ConstraintViolated when a deferred constraint is violated."""
        self.send("COMMIT", ())
        try:
            await super().commit()
        except Error as error:
            _raise_translated(error)

    async def roll_back(self) -> None:
        """Roll back and make the connection usable again, or close it when it does not respond."""
        if self._is_lost:
            return
        try:
            async with asyncio.timeout(CANCEL_SECONDS_MAXIMUM):
                if self._is_interrupted:
                    await self._borrowed.cancel_safe(timeout=CANCEL_SECONDS_MAXIMUM)
                elif self._pgconn.pipeline_status == PipelineStatus.ON:
                    self.send("ROLLBACK", ())
                await self._settle()
                if self._pgconn.transaction_status != TransactionStatus.IDLE:
                    self.send("ROLLBACK", ())
                    await self._settle()
        except (Error, TimeoutError):
            self._unwatch()
            self._pgconn.finish()

    async def _run_named(self, statement: tuple[str, Sequence[Any]]) -> list[PGresult]:
        if self._pgconn.pipeline_status == PipelineStatus.ABORTED:
            raise InFailedSqlTransaction("a statement has failed, so the transaction can only be rolled back")
        try:
            return await self.run(statement)
        except asyncio.CancelledError:
            self._is_interrupted = True
            raise
        except Error as error:
            _raise_translated(error)

    async def _settle(self) -> None:
        """Wait for the results of all sent statements, and ignore their errors."""
        self._results.clear()
        try:
            await self._synchronise()
        except Error:
            if self._is_lost:
                raise
        self._results.clear()


def _raise_translated(error: Error) -> NoReturn:
    """Raise ConstraintViolated, Unavailable if a retry may succeed, or the error itself."""
    if isinstance(error, STALE):  # a table has changed since the statement was prepared
        raise Unavailable(BEING_CHANGED) from error
    translated = named_violation(error)
    raise translated from (None if translated is error else error)
