"""Writes that want Django's ORM: one hop to a kept thread, one transaction, the connection returned to its pool."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial

from django.conf import settings
from django.db import IntegrityError, connection, transaction


async def run_in_transaction[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` in a transaction on one of a bounded set of threads, and return what it returns.

    The transaction has committed when this returns, and has been rolled back when this raises.
    """
    call = partial(copy_context().run, _atomically, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads(), call)


def violated_constraint(error: IntegrityError) -> str:
    """Return the name of the constraint that refused a write, or an empty string."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def _atomically[R](function: Callable[[], R]) -> R:
    try:
        with transaction.atomic():
            return function()
    finally:
        connection.close()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.DATABASE_POOL_SIZE, thread_name_prefix="transaction")
