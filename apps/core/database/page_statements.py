"""Statements of the admin's pages: each is cancelled after a time, and all of them when the client disconnects."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg import Error
from psycopg.errors import QueryCanceled

STATEMENT_SECONDS = 10  # the same limit as for the API's statements
CANCEL_SECONDS_MAXIMUM = 2.0


class PageStatements:
    """The statements of one request, which a thread runs and another one can cancel."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Any = None
        self._is_cancelled = False

    async def cancel(self) -> None:
        """Cancel the statement that runs now, if any, and wait in a thread until PostgreSQL has confirmed it."""
        if self._running is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._cancel)

    def _cancel(self) -> None:
        with self._lock:
            if self._running is not None:
                self._is_cancelled = True
                # Without an answer the statement ends by itself, at the latest after STATEMENT_SECONDS.
                with suppress(Error):
                    self._running.cancel_safe(timeout=CANCEL_SECONDS_MAXIMUM)

    @contextmanager
    def cancellable(self) -> Iterator[None]:
        """Let `cancel` cancel Django's statements inside."""
        connection.ensure_connection()
        running = connection.connection
        self._running = running
        try:
            yield
        finally:
            with self._lock:
                self._running = None
            if self._is_cancelled:
                # The server may act on the cancellation after the statement, and must not hit another request's.
                running.close()
                connection.close()


_current: ContextVar[PageStatements | None] = ContextVar("page_statements", default=None)


def begin_page() -> PageStatements:
    """Return the statements of the request that the running task serves."""
    statements = PageStatements()
    _current.set(statements)
    return statements


@contextmanager
def bounded_statements(seconds: int | None = None) -> Iterator[None]:
    """Run Django's statements in a transaction that cancels each after these seconds, with OperationalError.

    Django's connections have no limit otherwise, because migrations run on them.
    """
    statements = _current.get() or PageStatements()
    with statements.cancellable(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds or STATEMENT_SECONDS}s"])
        yield


def is_statement_timeout(error: OperationalError) -> bool:
    """Return whether the statement was cancelled because it took too long."""
    return isinstance(error.__cause__, QueryCanceled)
