"""A transaction in two round trips: the first reads and locks, the second writes and commits.

Its connection stays in pipeline mode, and registered with the event loop, between transactions: to borrow and prepare
one for each takes longer than to use it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, override
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, TransactionTimeout, error_from_result
from psycopg.pq import ExecStatus, Format, PipelineStatus
from psycopg.pq.abc import PGresult

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.database.pipeline.pipelined_connection import PipelinedConnection, Rows
from apps.core.database.pool import (
    BATCH_CONNECTIONS_MINIMUM,
    READ_LOCK_TIMEOUT,
    Purpose,
    batch_connection,
    close_before_pools,
    replacement_connection,
)

if TYPE_CHECKING:
    from apps.core.database.pipeline.prepared_statements import Types

# PostgreSQL's errors for a prepared statement that no longer matches its tables, or does not exist.
STALE = (FeatureNotSupported, InvalidSqlStatementName)
BEING_CHANGED = "The database is being changed. Retry shortly."  # the retry prepares the statement again
# Then the pool gets a connection back, and replaces it if it is old.
KEPT_SECONDS_MAXIMUM = 600


@asynccontextmanager
async def pipelined_transaction() -> AsyncIterator["PipelinedTransaction"]:
    """Open a transaction that commits when the block ends, and rolls back when it raises.

    BEGIN and COMMIT are not sent: PostgreSQL treats everything before libpq's synchronisation point as one transaction
    (manual, 32.5.1.1). Statements use PostgreSQL's placeholders (`$1`).
    """
    refuse_in_transaction("a batch")
    kept = _kept_connections()
    opened = await kept.take()
    try:
        yield opened
        await opened.commit()
    except psycopg.Error:
        await opened.recover()
        raise
    finally:
        await kept.put_back(opened)


class PipelinedTransaction(PipelinedConnection):
    """The statements of one transaction, sent without waiting for earlier results."""

    lock_timeout = READ_LOCK_TIMEOUT
    purpose: ClassVar[Purpose] = "batches"
    result_format = Format.BINARY

    def __init__(self, borrowed: AsyncConnection[Any], borrowing: AsyncExitStack) -> None:
        """Use the connection, or another that `borrowing` returns at its end if this one is lost at the first use."""
        self._borrowing = borrowing
        self._arrived: asyncio.Future[None] | None = None
        self._use(borrowed)
        self.begin()

    def _use(self, borrowed: AsyncConnection[Any]) -> None:
        self._expected = 0
        super().__init__(borrowed)

    def begin(self) -> None:
        """Begin a transaction, the first or the next on this connection."""
        self._has_results = False
        self._unanswered: list[tuple[str, Sequence[Any]]] = []
        self._begin()

    def _begin(self) -> None:
        self._results: list[PGresult] = []
        self._sent: list[tuple[str, Types]] = []
        self._is_synchronised = False
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
        await self._borrowing.aclose()
        self._use(await self._borrowing.enter_async_context(replacement_connection(self.purpose)))
        self._begin()
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

    @property
    def is_reusable(self) -> bool:
        """Whether another transaction may begin on the connection: this one has ended, and the connection is open."""
        return not self._is_lost and self._is_synchronised and not self._expected

    def close(self) -> None:
        """Restore the connection's state, or close the connection if its transaction has not ended."""
        self._unwatch()
        if self.is_reusable:
            self._pgconn.exit_pipeline_mode()
        elif not self._is_lost:
            self._pgconn.finish()

    async def give_back(self) -> None:
        """Close, and return the connection to its pool."""
        self.close()
        await self._borrowing.aclose()

    async def _synchronise(self) -> None:
        self._pgconn.pipeline_sync()
        self._expected += 1
        self._is_synchronised = True
        await self._arrival()

    async def _arrival(self) -> None:
        """Wait for the results of all sent statements. Raises the first error among them."""
        self._arrived = self._loop.create_future()
        self._flush()
        if self._is_closed_by_server():
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


class KeptConnections:
    """The connections of one event loop that transactions keep from one to the next, in pipeline mode."""

    def __init__(self) -> None:
        self._idle: list[PipelinedTransaction] = []
        self._return_at = asyncio.get_running_loop().time() + KEPT_SECONDS_MAXIMUM
        self._is_closed = False

    async def take(self) -> PipelinedTransaction:
        """Begin a transaction on a connection that is kept, or on one of the pool. Raises PoolTimeout."""
        while self._idle:
            kept = self._idle.pop()
            if kept.is_reusable:
                kept.begin()
                return kept
            await kept.give_back()  # the server has closed it
        borrowing = AsyncExitStack()
        borrowed = await borrowing.enter_async_context(batch_connection())
        return PipelinedTransaction(borrowed, borrowing)

    async def put_back(self, used: PipelinedTransaction) -> None:
        """Keep the connection of the transaction, which has ended, or return it to the pool."""
        now = asyncio.get_running_loop().time()
        if self._is_closed or not used.is_reusable or len(self._idle) >= BATCH_CONNECTIONS_MINIMUM:
            await used.give_back()
            return
        self._idle.append(used)
        if now >= self._return_at:
            self._return_at = now + KEPT_SECONDS_MAXIMUM
            await self._return_idle()

    async def close(self) -> None:
        """Return the connections, because the pool is about to be closed."""
        self._is_closed = True
        _kept.pop(asyncio.get_running_loop(), None)
        await self._return_idle()

    async def _return_idle(self) -> None:
        while self._idle:
            await self._idle.pop().give_back()


_kept: WeakKeyDictionary[asyncio.AbstractEventLoop, KeptConnections] = WeakKeyDictionary()


def _kept_connections() -> KeptConnections:
    loop = asyncio.get_running_loop()
    kept = _kept.get(loop)
    if kept is None:
        kept = _kept[loop] = KeptConnections()
        close_before_pools(kept)
    return kept
