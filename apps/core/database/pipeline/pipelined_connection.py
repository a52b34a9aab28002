"""libpq's pipeline mode, driven by the event loop.

psycopg registers the socket with the event loop for every statement, which takes several times as long as a short
statement. Here the socket is registered once, for as long as the connection is borrowed.
"""

import asyncio
import select
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from psycopg import AsyncConnection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, Format
from psycopg.pq.abc import PGresult

from apps.core.database.parameters import Encoded
from apps.core.database.pipeline.prepared_statements import Types, statements_of
from apps.core.database.pool import transaction_settings

Rows = list[tuple[Any, ...]]


class PipelinedConnection(ABC):
    """A borrowed connection in pipeline mode. Subclasses track the expected results and handle them."""

    def __init__(self, borrowed: AsyncConnection[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._pgconn, self._socket = borrowed.pgconn, borrowed.pgconn.socket
        self._transformer, self._encoding = Transformer(borrowed), borrowed.info.encoding
        self._statements = statements_of(borrowed)
        self._pgconn.enter_pipeline_mode()
        self._hang_up = select.poll()
        self._hang_up.register(self._socket, select.POLLHUP | select.POLLERR)
        self._is_watched = True
        self._loop.add_reader(self._socket, self._receive)

    @property
    @abstractmethod
    def _expects_results(self) -> bool:
        """Whether results of sent statements are still outstanding."""

    @abstractmethod
    def _take(self, result: PGresult) -> None:
        """Handle the next result. Raises OperationalError when it reports that the connection is lost."""

    @abstractmethod
    def _after_reading(self) -> None:
        """Continue after all received results have been handled."""

    @abstractmethod
    def _lose(self, error: OperationalError) -> None:
        """Raise the error in all waiting callers, because the connection is lost."""

    def _send(self, sql: str, parameters: Sequence[Any], result_format: Format) -> tuple[int, tuple[str, Types]]:
        """Send a statement with PostgreSQL's placeholders (`$1`), and prepare it at its first use on this connection.

        Returns the number of results to expect, and the key of the prepared statement.
        """
        types: Types
        values: Sequence[Any]
        formats: Sequence[Format] | None
        if isinstance(parameters, Encoded):
            (values, formats), types = parameters, ()
        else:
            values = self._transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
            types, formats = self._transformer.types or (), self._transformer.formats
        if settings.DATABASE_POOLER == "transaction":  # the next process would not have the prepared statement
            self._pgconn.send_query_params(sql.encode(), values, types or None, formats, result_format)
            return 1, (sql, types)
        name, results = self._statements.name_of(sql, types), 1
        if name is None:
            name, results = self._prepare(sql, types)
        self._pgconn.send_query_prepared(name, values, formats, result_format)
        return results, (sql, types)

    def _prepare(self, sql: str, types: Types) -> tuple[bytes, int]:
        """Prepare the statement, and deallocate another if there are too many. Return its name and the result count."""
        name, results = self._statements.add(sql, types), 2
        self._pgconn.send_prepare(name, sql.encode(), types)
        excess = self._statements.pop_excess()
        if excess is not None:
            self._pgconn.send_close_prepared(excess)
            results += 1
        return name, results

    def _send_settings(self, lock_timeout: str) -> int:
        """Send what a transaction through a pooler begins with, and return the number of results to expect."""
        block = transaction_settings(lock_timeout)
        if block is None:
            return 0
        self._pgconn.send_query_params(block.encode(), None)
        return 1

    def _rows(self, result: PGresult) -> Rows:
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    def _flush(self) -> None:
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._flush_more)

    def _unwatch(self) -> None:
        # Only once: libpq closes the socket of a lost connection, and another connection may reuse its number.
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    def _flush_more(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except OperationalError as error:
            self._lose(error)

    def _receive(self) -> None:
        try:
            self._read()
            while self._expects_results and self._is_closed_by_server():
                self._read()
        except OperationalError as error:
            self._lose(error)
        self._after_reading()

    def _read(self) -> None:
        self._pgconn.consume_input()
        while self._expects_results and not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is not None:  # None separates the results of two statements
                self._take(result)

    @property
    def _is_lost(self) -> bool:
        return bool(self._pgconn.status != ConnStatus.OK)

    def _is_closed_by_server(self) -> bool:
        """Return whether the server has closed the connection. Earlier data may still be unread.

        libuv reports this once, and nothing about the socket afterwards: the reader must continue until libpq reaches
        the end.
        """
        return bool(self._hang_up.poll(0))
