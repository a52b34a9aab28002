"""Lets tests leave their sessions with PostgreSQL to later tests, because each new one takes it ten milliseconds.

A test closes its pools with its event loop. A connection that is closed in a usual state gives its session up after
`DISCARD ALL`, which restores the state of a new session; a connection that is opened later takes it.
"""

import select
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Self, override

import pytest
from psycopg import AsyncConnection, pq
from psycopg_pool import AsyncConnectionPool

from apps.core.database import pool

IDLE_MAXIMUM = 4  # for each kind of connection
_idle: dict[str, list[pq.abc.PGconn]] = {}


class RecycledConnection(AsyncConnection[Any]):
    """An AsyncConnection that takes over sessions, and gives its own up."""

    _conninfo = ""

    @override
    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, Self]:
        session = _take(conninfo)
        opened = cls(session) if session else (yield from super()._connect_gen(conninfo))
        opened._conninfo = conninfo
        return opened

    @override
    async def close(self) -> None:
        if self.pgconn is not _closed_session() and _is_usual(self.pgconn):
            idle = _idle.setdefault(self._conninfo, [])
            if len(idle) < IDLE_MAXIMUM and self.pgconn.exec_(b"DISCARD ALL").status == pq.ExecStatus.COMMAND_OK:
                self.pgconn.notice_handler = self.pgconn.notify_handler = None
                idle.append(self.pgconn)
                self.pgconn, self._closed = _closed_session(), True
        await super().close()


class RecyclingPool(AsyncConnectionPool[RecycledConnection]):
    """A pool of such connections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(connection_class=RecycledConnection, **options)


@contextmanager
def recycled_connections() -> Iterator[None]:
    """Recycle the sessions of Keyhouse's pools inside, and end them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "AsyncConnectionPool", RecyclingPool)
        yield
        for session in [each for idle in _idle.values() for each in idle]:
            session.finish()
        _idle.clear()


def _take(conninfo: str) -> pq.abc.PGconn | None:
    idle = _idle.get(conninfo, [])
    while idle:
        session = idle.pop()
        if not _has_news(session):
            return session
        session.finish()
    return None


def _is_usual(session: pq.abc.PGconn) -> bool:
    return (
        session.status == pq.ConnStatus.OK
        and session.transaction_status == pq.TransactionStatus.IDLE
        and session.pipeline_status == pq.PipelineStatus.OFF
        and not _has_news(session)
    )


def _has_news(session: pq.abc.PGconn) -> bool:
    # An idle session has something to say when the server has ended it.
    poll = select.poll()
    poll.register(session.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


@cache
def _closed_session() -> pq.abc.PGconn:
    return pq.PGconn.connect(b"host=/nowhere")
