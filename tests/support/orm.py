"""Reads and arranges the database in async tests, by Django's ORM on a thread."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import sleep
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, QuerySet


async def run_in_transaction[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run synchronous code in a Django transaction, which has been committed when this returns."""
    return await asyncio.to_thread(_atomically, partial(function, *args, **kwargs))


async def rows[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances, fetched by Django itself."""
    return await run_in_transaction(lambda: list(queryset))


async def make(factory: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a factory of tests.support.factories in an async test, and commit."""
    return await run_in_transaction(factory, *args, **kwargs)


async def until_a_lock_is_awaited() -> None:
    """Return once a transaction waits for a lock of another."""
    await run_in_transaction(wait_for_a_waiting_lock)


def wait_for_a_waiting_lock() -> None:
    """Return once a transaction waits for a lock of another."""
    with connection.cursor() as cursor:
        while not cursor.rowcount > 0:
            sleep(0.01)
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted")


def _atomically[R](function: Callable[[], R]) -> R:
    try:
        with transaction.atomic():
            return function()
    finally:
        connection.close()
