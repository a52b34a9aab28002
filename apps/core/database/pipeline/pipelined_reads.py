"""A connection in libpq's pipeline mode: reads are sent without waiting for the answers to those before."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from apps.core.database.pipeline.prepared_statements import Types, statements_of
from apps.core.database.pool import has_hung_up

Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class Read:
    """A statement, whose placeholders are PostgreSQL's own (`$1`), and whoever waits for its rows."""

    sql: str
    parameters: Sequence[Any]
    answer: asyncio.Future[Rows] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def succeed(self, rows: Rows) -> None:
        """Give the rows to whoever waits, if anybody still does."""
        if not self.answer.done():
            self.answer.set_result(rows)

    def fail(self, error: Exception) -> None:
        """Raise the error where the rows are waited for, if they still are."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Wire:
    """Sends reads and takes their answers, in the same order, until all are answered or the connection is lost.

    Each read ends with a Sync of its own, so that it is a transaction of its own and fails alone.
    """

    def __init__(self, borrowed: AsyncConnection[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._pgconn, self._socket = borrowed.pgconn, borrowed.pgconn.socket
        self._transformer, self._encoding = Transformer(borrowed), borrowed.info.encoding
        self._statements = statements_of(borrowed)
        self._sent: deque[tuple[Read, tuple[str, Types]]] = deque()
        self._outcome: PGresult | Error | None = None
        self.silence: asyncio.Future[None] = self._loop.create_future()
        self._pgconn.enter_pipeline_mode()
        self._is_watched = True
        self._loop.add_reader(self._socket, self._receive)

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def is_open(self) -> bool:
        """Whether more may be sent: something is still to be answered, or nothing was sent yet."""
        return not self.silence.done()

    def send(self, read: Read) -> None:
        """Send the read; its rows, or its error, come to whoever waits for them."""
        try:
            parameters = self._transformer.dump_sequence(read.parameters, [PyFormat.AUTO] * len(read.parameters))
            key = read.sql, self._transformer.types or ()
            self._pgconn.send_query_prepared(self._name(*key), parameters, self._transformer.formats, Format.TEXT)
            self._pgconn.pipeline_sync()
            self._sent.append((read, key))
            self._flush()
        except OperationalError as error:
            read.fail(error)
            self.give_up(error)
        except Exception as error:  # noqa: BLE001  a value that cannot be sent is its asker's matter alone
            read.fail(error)
        self._note_silence()

    def close(self) -> None:
        """Leave the connection as it was lent; whoever still waits on it gets an error, and it is closed."""
        if self._sent:
            self.give_up(OperationalError("the connection is given up"))
        self._unwatch()
        if self._pgconn.status == ConnStatus.OK:
            self._pgconn.exit_pipeline_mode()

    def give_up(self, error: Exception) -> None:
        """Close the connection, and fail all that waits for it."""
        self._unwatch()
        self._pgconn.finish()
        while self._sent:
            self._sent.popleft()[0].fail(error)
        self._note_silence()

    def _unwatch(self) -> None:
        # Once only: a lost connection's socket is closed, and its number may be another connection's by now.
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    def _name(self, sql: str, types: Types) -> bytes:
        name = self._statements.name_of(sql, types)
        if name is None:
            name = self._statements.add(sql, types)
            self._pgconn.send_prepare(name, sql.encode(), types)
        return name

    def _flush(self) -> None:
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._flush_more)

    def _flush_more(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except OperationalError as error:
            self.give_up(error)

    def _receive(self) -> None:
        try:
            self._read()
            while self._sent and has_hung_up(self._socket):
                self._read()
        except OperationalError as error:
            self.give_up(error)
        self._note_silence()

    def _read(self) -> None:
        self._pgconn.consume_input()
        while self._sent and not self._pgconn.is_busy():
            self._take(self._pgconn.get_result())

    def _take(self, result: PGresult | None) -> None:
        if result is None:  # what libpq says between the results of one statement and the next
            return
        if result.status == ExecStatus.PIPELINE_SYNC:
            self._finish(*self._sent.popleft())
        elif result.status == ExecStatus.FATAL_ERROR:
            self._outcome = error_from_result(result, self._encoding)
            if self._pgconn.status != ConnStatus.OK:
                raise OperationalError(str(self._outcome))
        elif result.status == ExecStatus.TUPLES_OK:
            self._outcome = result

    def _finish(self, read: Read, key: tuple[str, Types]) -> None:
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Error):
            # It may not have been prepared at all, or no longer be what it was: next time it is prepared anew.
            self._statements.forget(*key)
            read.fail(outcome)
        elif outcome is None:
            read.succeed([])
        else:
            self._load(read, outcome)

    def _load(self, read: Read, result: PGresult) -> None:
        try:
            self._transformer.set_pgresult(result)
            read.succeed(self._transformer.load_rows(0, result.ntuples, tuple))
        except Exception as error:  # noqa: BLE001  a value that cannot be read is its asker's matter alone
            read.fail(error)

    def _note_silence(self) -> None:
        if not self._sent and not self.silence.done():
            self.silence.set_result(None)
