"""Short reads that share a connection: a read is sent at once while others still wait for their rows.

psycopg borrows a connection, and has the event loop watch it, for each statement, which costs ten times what the
statement itself does. Reads that share a connection get their rows in order, so only short ones belong here.
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

WAITING_MAXIMUM = 5_000  # on each connection
SHARES = 2  # a read that is slow for once delays only those behind it on its own connection

_shares: MutableMapping[asyncio.AbstractEventLoop, list["SharedReads"]] = WeakKeyDictionary()


async def read_rows(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows of one statement, whose placeholders are PostgreSQL's own: `$1`."""
    loop = asyncio.get_running_loop()
    shares = _shares.get(loop) or _shares.setdefault(loop, [SharedReads() for _ in range(SHARES)])
    return await min(shares, key=len).fetch(sql, parameters)


class SharedReads:
    """Holds a connection of the pool while reads wait for rows, and returns it when none does."""

    def __init__(self) -> None:
        self._unsent: deque[Read] = deque()
        self._reads: PipelinedReads | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._unsent) + (len(self._reads) if self._reads else 0)

    async def fetch(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Return the statement's rows; raises what psycopg and its pool would."""
        if len(self) >= WAITING_MAXIMUM:
            raise Unavailable("Too many reads are waiting.")
        read = Read(sql, parameters)
        if self._reads and self._reads.is_open:
            self._reads.send(read)
        else:
            self._unsent.append(read)
            if self._task is None:
                self._task = asyncio.create_task(self._serve())
        return await read.rows

    async def _serve(self) -> None:
        error: Exception = OperationalError("the server is going down")
        try:
            while self._unsent:
                await self._serve_on_one_connection()
        except Exception as problem:  # noqa: BLE001  it is raised where the rows are waited for
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
                    if not read.rows.done():  # else its caller was cancelled
                        reads.send(read)
                await reads.drained
            finally:
                self._reads = None
                reads.close()
