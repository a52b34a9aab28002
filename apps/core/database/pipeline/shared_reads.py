"""Short reads that share a connection in libpq's pipeline mode: each is sent without waiting for earlier results.

psycopg borrows a connection, and registers it with the event loop, for each statement, which takes ten times as long as
the statement itself. Reads that share a connection receive their rows in order, so only short reads belong here.
"""

import asyncio
from collections import deque
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, override
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from apps.core.database.pipeline.pipelined_connection import PipelinedConnection, Rows
from apps.core.database.pipeline.pipelined_transaction import BEING_CHANGED, STALE
from apps.core.database.pipeline.prepared_statements import Types
from apps.core.database.pool import READ_LOCK_TIMEOUT, connection
from apps.core.errors import Unavailable

WAITING_MAXIMUM = 5_000  # per connection
CONNECTIONS = 2  # a slow read delays only the reads behind it on its own connection
_shared: MutableMapping[asyncio.AbstractEventLoop, list["SharedReads"]] = WeakKeyDictionary()


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
            self._send_settings(READ_LOCK_TIMEOUT)
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
            read.fail(Unavailable(BEING_CHANGED) if isinstance(outcome, STALE) else outcome)
        elif outcome is None:
            read.succeed([])
        else:
            self._load(read, outcome)

    def _load(self, read: Read, result: PGresult) -> None:
        try:
            read.succeed(self._rows(result))
        except Exception as error:  # noqa: BLE001  a value that cannot be read affects only its caller
            read.fail(error)


async def read_rows(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows of one statement, which uses PostgreSQL's placeholders (`$1`)."""
    loop = asyncio.get_running_loop()
    connections = _shared.get(loop) or _shared.setdefault(loop, [SharedReads() for _ in range(CONNECTIONS)])
    return await min(connections, key=len).fetch(sql, parameters)


class SharedReads:
    """Holds a connection of the pool while reads wait for rows, and returns it when no read waits."""

    def __init__(self) -> None:
        self._unsent: deque[Read] = deque()
        self._reads: PipelinedReads | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._unsent) + (len(self._reads) if self._reads is not None else 0)

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Return the statement's rows. Raises Unavailable, and the errors of psycopg and its pool."""
        if len(self) >= WAITING_MAXIMUM:
            raise Unavailable("Too many requests are waiting. Retry shortly.")
        read = Read(sql, parameters)
        if self._reads is not None and self._reads.is_open:
            self._reads.send(read)
        else:
            self._unsent.append(read)
            if self._task is None:
                self._task = asyncio.create_task(self._serve())
        return await read.rows

    async def _serve(self) -> None:
        error: Exception = OperationalError("the server is shutting down")
        try:
            while self._unsent:
                await self._serve_on_one_connection()
        except Exception as problem:  # noqa: BLE001  it is raised where the rows are awaited
            error = problem
        finally:
            self._task = None
            while self._unsent:
                self._unsent.popleft().fail(error)

    async def _serve_on_one_connection(self) -> None:
        async with connection() as borrowed:
            self._reads = reads = PipelinedReads(borrowed)
            try:
                while self._unsent and reads.is_open:
                    read = self._unsent.popleft()
                    if not read.rows.done():  # otherwise its caller was cancelled
                        reads.send(read)
                if reads:  # otherwise all callers were cancelled before the connection was free
                    await reads.drained
            finally:
                self._reads = None
                reads.close()
