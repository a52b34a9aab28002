"""Runs QuerySets natively: Django compiles the SQL, psycopg runs it, Django builds the instances.

Django's own async methods (`aget`, `async for`) hop to a thread for each query. Here nothing leaves the event loop.
What is asked often is compiled only once: see `prepared_query.py`.
"""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet

from apps.core.database.orm.compiled_query import CompiledQuery, compiled_count
from apps.core.database.pool import connection


async def fetch_all[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances, with what `select_related` and `annotate` ask for."""
    try:
        query = CompiledQuery(queryset)
    except EmptyResultSet:
        return []
    return query.instances(await fetch_rows(query.sql, query.parameters))


async def fetch_one[M: Model](queryset: QuerySet[M]) -> M | None:
    """Return the QuerySet's first instance, or None."""
    found = await fetch_all(queryset[:1])
    return found[0] if found else None


async def count(queryset: QuerySet[Any]) -> int:
    """Return how many rows the QuerySet has."""
    try:
        sql, parameters = compiled_count(queryset)
    except EmptyResultSet:
        return 0
    return int((await fetch_rows(sql, parameters))[0][0])


async def fetch_rows(sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    """Return the rows of one statement."""
    async with connection() as borrowed:
        cursor = await borrowed.execute(sql, parameters)
        # `cursor.description` would say it too, after making an object for each column.
        return await cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
