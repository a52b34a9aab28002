"""A transaction in two round trips: the first reads and locks, the second writes and commits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, override

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, TransactionTimeout, error_from_result
from psycopg.pq import ExecStatus, Format, PipelineStatus
from psycopg.pq.abc import PGresult

from apps.core.database.pipeline.pipelined_connection import PipelinedConnection, Rows, is_closed_by_server
from apps.core.database.pool import READ_LOCK_TIMEOUT, Purpose, batch_connection, replacement_connection

if TYPE_CHECKING:
    from apps.core.database.pipeline.prepared_statements import Types

# PostgreSQL's errors for a prepared statement that no longer matches its tables, or does not exist.
STALE = (FeatureNotSupported, InvalidSqlStatementName)
BEING_CHANGED = "The database is being changed. Retry shortly."  # the retry prepares the statement again


@asynccontextmanager
async def pipelined_transaction() -> AsyncIterator["PipelinedTransaction"]:
    """Open a transaction that commits when the block ends, and rolls back when it raises.

    BEGIN and COMMIT are not sent: PostgreSQL treats everything before libpq's synchronisation point as one transaction
    (manual, 32.5.1.1). Statements use PostgreSQL's placeholders (`$1`).
    """
    async with AsyncExitStack() as borrowing:
        opened = PipelinedTransaction(await borrowing.enter_async_context(batch_connection()), borrowing)
        try:
            yield opened
            await opened.commit()
        except psycopg.Error:
            await opened.recover()
            raise
        finally:
            opened.close()


class PipelinedTransaction(PipelinedConnection):
    """The statements of one transaction, sent without waiting for earlier results."""

    lock_timeout = READ_LOCK_TIMEOUT
    purpose: ClassVar[Purpose] = "batches"
    result_format = Format.BINARY

    def __init__(self, borrowed: AsyncConnection[Any], borrowing: AsyncExitStack) -> None:
        """Use the connection, or another that `borrowing` returns at its end if this one is lost at the first use."""
        self._borrowing = borrowing
        self._has_results = False
        self._unanswered: list[tuple[str, Sequence[Any]]] = []
        self._use(borrowed)

    def _use(self, borrowed: AsyncConnection[Any]) -> None:
        self._results: list[PGresult] = []
        self._sent: list[tuple[str, Types]] = []
        self._arrived: asyncio.Future[None] | None = None
        self._is_synchronised = False
        super().__init__(borrowed)
        self._expected = self._send_settings(self.lock_timeout)

    async def fetch(self, *statements: tuple[str, Sequence[Any]]) -> list[Rows]:
        """Run the statements in this order, in one round trip, and return the rows of each that returns rows.

        Raises psycopg's errors. The transaction is rolled back then, and accepts no more statements.
        """
        return [self._rows(result) for result in await self.run(*statements) if result.status == ExecStatus.TUPLES_OK]

    async def run(self, *statements: tuple[str, Sequence[Any]]) -> list[PGresult]:
        """Run the statements as `fetch` does, and return all results since the last round trip."""
        for sql, parameters in statements:
            self.send(sql, parameters)
        try:
            await self._round_trip()
        except OperationalError as error:
            if self._has_results or not (self._is_lost or _ends_connection(error)):
                raise
            await self._begin_again()
            await self._round_trip()
        self._has_results = True
        self._unanswered.clear()
        results, self._results = self._results, []
        return results

    async def _round_trip(self) -> None:
        if self._is_lost:
            raise OperationalError("the connection is lost")
        self._pgconn.send_flush_request()
        await self._arrival()

    async def _begin_again(self) -> None:
        """Repeat on another connection what was sent: PostgreSQL has rolled it back, and no caller has a result."""
        lost, self._unanswered = self._unanswered, []
        self._unwatch()
        self._pgconn.finish()
        self._use(await self._borrowing.enter_async_context(replacement_connection(self.purpose)))
        for sql, parameters in lost:
            self.send(sql, parameters)

    def send(self, sql: str, parameters: Sequence[Any]) -> None:
        """Queue a statement for the next round trip."""
        if not self._has_results:
            self._unanswered.append((sql, parameters))
            if self._is_lost:  # `run` begins again
                return
        results, key = self._send(sql, parameters, self.result_format)
        self._sent.append(key)
        self._expected += results

    async def commit(self) -> None:
        """Wait until all sent statements have run and are committed."""
        await self._synchronise()

    async def recover(self) -> None:
        """Make the connection usable again after an error, which has rolled the transaction back."""
        if not self._is_lost and self._pgconn.pipeline_status == PipelineStatus.ABORTED:
            self._results.clear()
            await self._synchronise()

    def close(self) -> None:
        """Restore the connection's state, or close the connection if its transaction has not ended."""
        self._unwatch()
        if self._is_lost:
            return
        if self._is_synchronised and not self._expected:
            self._pgconn.exit_pipeline_mode()
        else:
            self._pgconn.finish()

    async def _synchronise(self) -> None:
        self._pgconn.pipeline_sync()
        self._expected += 1
        self._is_synchronised = True
        await self._arrival()

    async def _arrival(self) -> None:
        """Wait for the results of all sent statements. Raises the first error among them."""
        self._arrived = self._loop.create_future()
        self._flush()
        if is_closed_by_server(self._socket):
            self._receive()
        try:
            await self._arrived
        finally:
            self._arrived = None
        for result in self._results:
            if result.status == ExecStatus.FATAL_ERROR:
                error = error_from_result(result, self._encoding)
                self._forget_statements(error)
                raise error
        self._statements.confirm()

    def _forget_statements(self, error: psycopg.Error) -> None:
        # Statements added in this transaction may not be prepared. After a change to a table, older ones are stale.
        self._statements.forget_unconfirmed()
        if isinstance(error, STALE):
            for sql, types in self._sent:
                self._statements.forget_everywhere(sql, types)

    @property
    @override
    def _expects_results(self) -> bool:
        return self._expected > 0

    @override
    def _take(self, result: PGresult) -> None:
        self._expected -= 1
        self._results.append(result)
        if self._is_lost:
            raise OperationalError("the connection is lost")

    @override
    def _after_reading(self) -> None:
        if not self._expected and self._arrived and not self._arrived.done():
            self._arrived.set_result(None)

    @override
    def _lose(self, error: OperationalError) -> None:
        self._unwatch()
        if self._arrived and not self._arrived.done():
            self._arrived.set_exception(error)


def _ends_connection(error: OperationalError) -> bool:
    """Return whether PostgreSQL closes the connection after the error, because the server stops or was told to."""
    return error.diag.severity_nonlocalized == "FATAL" and not isinstance(error, TransactionTimeout)
