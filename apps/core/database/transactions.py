"""Writes that want Django's ORM: one hop to a kept thread, one transaction, the connection returned to its pool."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction

from apps.core.errors import Unavailable

WAITING_MAXIMUM = 1000
OUTAGE_SECONDS = 1.0

_places = BoundedSemaphore(WAITING_MAXIMUM)


class _Outage:
    """Until when the database is taken to be away, so that not each of many waits out the pool's time-out in turn."""

    until = 0.0


async def run_in_transaction[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in a transaction on one of a bounded set of threads, and return what it returns.

    The transaction has committed when this returns, and has been rolled back when this raises. Raises Unavailable
    when too many wait.
    """
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many requests are waiting.")
    try:
        call = partial(copy_context().run, _atomically, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(_threads(), call)
    finally:
        _places.release()


def violated_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint that refused a write, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def _atomically[R](function: Callable[[], R]) -> R:
    try:
        _connect()
        with transaction.atomic():
            return function()
    finally:
        connection.close()


def _connect() -> None:
    if time.monotonic() < _Outage.until:
        raise Unavailable("The database is unavailable. Retry shortly.")
    try:
        connection.ensure_connection()
    except OperationalError:
        _Outage.until = time.monotonic() + OUTAGE_SECONDS
        raise


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.DATABASE_POOL_SIZE, thread_name_prefix="transaction")


def run_statement(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of one statement, in the transaction that is open on the calling thread."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
