"""A transaction in two round trips: one that reads and locks, one that writes and commits.

It speaks to libpq itself, because psycopg waits for the socket at every statement, which costs several times what the
statements of a short transaction do.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format, PipelineStatus
from psycopg.pq.abc import PGresult

from apps.core.database.pipeline.prepared_statements import Statements, Types, statements_of
from apps.core.database.pool import connection, has_hung_up

Rows = list[tuple[Any, ...]]
# How PostgreSQL says that a prepared statement no longer fits the tables, or is not there.
STALE = (FeatureNotSupported, InvalidSqlStatementName)


@asynccontextmanager
async def pipelined_transaction() -> AsyncIterator["PipelinedTransaction"]:
    """Lend a transaction that is committed when the block ends, and rolled back when it raises.

    BEGIN and COMMIT are not sent: PostgreSQL takes all that comes before libpq's synchronisation point as one
    transaction (manual, 32.5.1.1). Statements have PostgreSQL's own placeholders, `$1`.
    """
    async with connection() as borrowed:
        transaction = PipelinedTransaction(borrowed)
        try:
            yield transaction
            await transaction.commit()
        except psycopg.Error:
            await transaction.give_up()
            raise
        finally:
            transaction.close()


class PipelinedTransaction:
    """The statements of one transaction, sent without waiting for the answers to those before."""

    def __init__(self, borrowed: AsyncConnection[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._pgconn, self._socket = borrowed.pgconn, borrowed.pgconn.socket
        self._transformer, self._encoding = Transformer(borrowed), borrowed.info.encoding
        self._statements: Statements = statements_of(borrowed)
        self._results: list[PGresult] = []
        self._sent: list[tuple[str, Types]] = []
        self._wanted = 0
        self._arrived: asyncio.Future[None] | None = None
        self._is_synchronised = False
        self._pgconn.enter_pipeline_mode()
        self._is_watched = True
        self._loop.add_reader(self._socket, self._receive)

    async def fetch(self, *statements: tuple[str, Sequence[Any]]) -> list[Rows]:
        """Run the statements in this order, in one round trip, and return the rows of each.

        Raises psycopg's errors; the transaction is then rolled back, and nothing more can be sent.
        """
        for sql, parameters in statements:
            self.send(sql, parameters)
        self._pgconn.send_flush_request()
        await self._arrival()
        results, self._results = self._results, []
        return [self._rows(result) for result in results if result.status == ExecStatus.TUPLES_OK]

    def send(self, sql: str, parameters: Sequence[Any]) -> None:
        """Run a statement with the next round trip; its rows are dropped."""
        dumped = self._transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types, formats = self._transformer.types or (), self._transformer.formats
        self._sent.append((sql, types))
        name = self._statements.name_of(sql, types)
        if name is None:
            name = self._statements.add(sql, types)
            self._pgconn.send_prepare(name, sql.encode(), types)
            self._wanted += 1
        self._pgconn.send_query_prepared(name, dumped, formats, Format.BINARY)
        self._wanted += 1

    async def commit(self) -> None:
        """Wait until all that was sent has run and is durable."""
        self._pgconn.pipeline_sync()
        self._wanted += 1
        self._is_synchronised = True
        await self._arrival()

    async def give_up(self) -> None:
        """Make the connection good again after an error of PostgreSQL's, which has taken everything back."""
        if self._pgconn.status == ConnStatus.OK and self._pgconn.pipeline_status == PipelineStatus.ABORTED:
            self._results.clear()
            await self.commit()

    def close(self) -> None:
        """Leave the connection as it was lent; one with a transaction that was not committed is closed."""
        self._unwatch()
        if self._pgconn.status != ConnStatus.OK:
            return
        if self._is_synchronised and not self._wanted:
            self._pgconn.exit_pipeline_mode()
        else:
            self._pgconn.finish()

    async def _arrival(self) -> None:
        """Wait for the answers to all that was sent; raises the first error among them."""
        self._arrived = self._loop.create_future()
        self._flush()
        if has_hung_up(self._socket):
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
        # What was prepared in this transaction may not be; after a change to a table, what was before is stale.
        self._statements.forget_unconfirmed()
        if isinstance(error, STALE):
            for sql, types in self._sent:
                self._statements.forget(sql, types)

    def _flush(self) -> None:
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._flush_more)

    def _flush_more(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except OperationalError as error:
            self._fail(error)

    def _receive(self) -> None:
        try:
            self._read()
            while self._wanted and has_hung_up(self._socket):
                self._read()
        except OperationalError as error:
            self._fail(error)
            return
        if not self._wanted and self._arrived and not self._arrived.done():
            self._arrived.set_result(None)

    def _read(self) -> None:
        self._pgconn.consume_input()
        while self._wanted and not self._pgconn.is_busy():
            self._take(self._pgconn.get_result())

    def _take(self, result: PGresult | None) -> None:
        if result is None:  # what libpq says between the results of one statement and the next
            return
        self._wanted -= 1
        self._results.append(result)
        if self._pgconn.status != ConnStatus.OK:
            raise OperationalError("the connection is lost")

    def _fail(self, error: Exception) -> None:
        self._unwatch()
        if self._arrived and not self._arrived.done():
            self._arrived.set_exception(error)

    def _unwatch(self) -> None:
        # Once only: libpq has closed a lost connection's socket, and its number may be another connection's by now.
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    def _rows(self, result: PGresult) -> Rows:
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)
