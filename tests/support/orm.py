"""Looks at the database, and arranges it, from coroutine tests: by Django's own ORM, on a thread."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, QuerySet


async def run_in_transaction[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run synchronous code in a transaction of Django's, which has committed when this returns."""
    return await asyncio.to_thread(_atomically, partial(function, *args, **kwargs))


async def rows[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances, read by Django itself."""
    return await run_in_transaction(lambda: list(queryset))


async def make(factory: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a factory of tests.support.factories from a coroutine test; what it makes is committed."""
    return await run_in_transaction(factory, *args, **kwargs)


def _atomically[R](function: Callable[[], R]) -> R:
    try:
        with transaction.atomic():
            return function()
    finally:
        connection.close()
