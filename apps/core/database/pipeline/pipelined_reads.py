"""Reads that share a connection in libpq's pipeline mode: each is sent without waiting for earlier results."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, override

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from apps.core.database.pipeline.pipelined_connection import PipelinedConnection, Rows
from apps.core.database.pipeline.prepared_statements import Types


@dataclass(slots=True)
class Read:
    """A statement with PostgreSQL's placeholders (`$1`), and the future of its rows."""

    sql: str
    parameters: Sequence[Any]
    rows: asyncio.Future[Rows] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def succeed(self, rows: Rows) -> None:
        """Return the rows to the caller, unless it has been cancelled."""
        if not self.rows.done():
            self.rows.set_result(rows)

    def fail(self, error: Exception) -> None:
        """Raise the error in the caller, unless it has been cancelled."""
        if not self.rows.done():
            self.rows.set_exception(error)


class PipelinedReads(PipelinedConnection):
    """Sends reads and receives their results in the same order, until all are complete or the connection is lost.

    Each read ends with its own Sync message, so that it is a separate transaction and fails independently.
    """

    def __init__(self, borrowed: AsyncConnection[Any]) -> None:
        self._sent: deque[tuple[Read, tuple[str, Types]]] = deque()
        self._outcome: PGresult | Error | None = None
        super().__init__(borrowed)
        self.drained: asyncio.Future[None] = self._loop.create_future()

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def is_open(self) -> bool:
        """Whether more reads may be sent: some reads still wait for results, or none was sent yet."""
        return not self.drained.done()

    def send(self, read: Read) -> None:
        """Send the read. Its caller gets the rows or the error."""
        try:
            _, key = self._send(read.sql, read.parameters, Format.TEXT)
            self._pgconn.pipeline_sync()
            self._sent.append((read, key))
            self._flush()
        except OperationalError as error:
            read.fail(error)
            self._lose(error)
        except Exception as error:  # noqa: BLE001  a value that cannot be sent affects only its caller
            read.fail(error)
        self._after_reading()

    def close(self) -> None:
        """Restore the connection's state. If reads still wait, they fail and the connection is closed."""
        if self._sent:
            self._lose(OperationalError("the connection was closed before the result arrived"))
        self._unwatch()
        if not self._is_lost:
            self._pgconn.exit_pipeline_mode()

    @property
    @override
    def _expects_results(self) -> bool:
        return bool(self._sent)

    @override
    def _take(self, result: PGresult) -> None:
        if result.status == ExecStatus.PIPELINE_SYNC:
            self._finish(*self._sent.popleft())
        elif result.status == ExecStatus.FATAL_ERROR:
            self._outcome = error_from_result(result, self._encoding)
            if self._is_lost:
                raise OperationalError(str(self._outcome))
        elif result.status == ExecStatus.TUPLES_OK:
            self._outcome = result

    @override
    def _after_reading(self) -> None:
        if not self._sent and not self.drained.done():
            self.drained.set_result(None)

    @override
    def _lose(self, error: OperationalError) -> None:
        self._unwatch()
        self._pgconn.finish()
        while self._sent:
            self._sent.popleft()[0].fail(error)
        self._after_reading()

    def _finish(self, read: Read, key: tuple[str, Types]) -> None:
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Error):
            # The statement may not have been prepared, or its tables have changed: prepare it again next time.
            self._statements.forget(*key)
            read.fail(outcome)
        elif outcome is None:
            read.succeed([])
        else:
            self._load(read, outcome)

    def _load(self, read: Read, result: PGresult) -> None:
        try:
            read.succeed(self._rows(result))
        except Exception as error:  # noqa: BLE001  a value that cannot be read affects only its caller
            read.fail(error)
