"""Looks at the database from coroutine tests."""

from typing import Any

from django.db.models import Model, QuerySet

from apps.core.database.transactions import run_in_transaction


async def rows[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances, read by Django itself."""
    return await run_in_transaction(lambda: list(queryset))


async def make(factory: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a factory of tests.support.factories from a coroutine test; what it makes is committed."""
    return await run_in_transaction(factory, *args, **kwargs)
