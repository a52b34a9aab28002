"""Short reads that share a connection: whoever asks while others wait sends at once, and nobody waits in turn.

psycopg lends a connection, and has the event loop watch it, for each statement anew, which costs ten times what the
statement itself does. Reads on a line are answered in order, so only those that are always short belong here.
"""

import asyncio
from collections import deque
from collections.abc import MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import OperationalError

from apps.core.database.pipeline.pipelined_reads import Read, Rows, Wire
from apps.core.database.pool import connection
from apps.core.errors import Unavailable

WAITING_MAXIMUM = 5_000  # on each line
LINES = 2  # a read that is slow for once holds up only those behind it in its own line

_lines: MutableMapping[asyncio.AbstractEventLoop, list["ReadLine"]] = WeakKeyDictionary()


async def read_rows(sql: str, parameters: Sequence[Any]) -> Rows:
    """Return the rows of one statement, whose placeholders are PostgreSQL's own: `$1`."""
    loop = asyncio.get_running_loop()
    lines = _lines.get(loop) or _lines.setdefault(loop, [ReadLine() for _ in range(LINES)])
    return await min(lines, key=len).ask(sql, parameters)


class ReadLine:
    """Holds a connection of the pool while anybody waits for rows, and gives it back when nobody does."""

    def __init__(self) -> None:
        self._unsent: deque[Read] = deque()
        self._wire: Wire | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._unsent) + (len(self._wire) if self._wire else 0)

    async def ask(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Return the statement's rows; raises what psycopg and its pool would."""
        if len(self) >= WAITING_MAXIMUM:
            raise Unavailable("Too many reads are waiting.")
        read = Read(sql, parameters)
        if self._wire and self._wire.is_open:
            self._wire.send(read)
        else:
            self._unsent.append(read)
            if self._task is None:
                self._task = asyncio.create_task(self._serve())
        return await read.answer

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
            self._wire = wire = Wire(borrowed)
            try:
                while self._unsent and wire.is_open:
                    read = self._unsent.popleft()
                    if not read.answer.done():  # else its asker has gone
                        wire.send(read)
                await wire.silence
            finally:
                self._wire = None
                wire.close()
