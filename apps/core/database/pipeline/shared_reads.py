"""Short reads that share a connection: a read is sent immediately while others still wait for their rows.

psycopg borrows a connection, and registers it with the event loop, for each statement, which takes ten times as long as
the statement itself. Reads that share a connection receive their rows in order, so only short reads belong here.
"""

import asyncio
from collections import deque
from collections.abc import MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import OperationalError

from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.pipelined_reads import PipelinedReads, Read
from apps.core.database.pool import connection
from apps.core.errors import Unavailable

WAITING_MAXIMUM = 5_000  # per connection
CONNECTIONS = 2  # a slow read delays only the reads behind it on its own connection

_shared: MutableMapping[asyncio.AbstractEventLoop, list["SharedReads"]] = WeakKeyDictionary()


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
        return len(self._unsent) + (len(self._reads) if self._reads else 0)

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Return the statement's rows. Raises Unavailable, and the errors of psycopg and its pool."""
        if len(self) >= WAITING_MAXIMUM:
            raise Unavailable("Too many requests are waiting. Retry shortly.")
        read = Read(sql, parameters)
        if self._reads and self._reads.is_open:
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
                await reads.drained
            finally:
                self._reads = None
                reads.close()
