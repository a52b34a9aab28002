"""Runs QuerySets natively: Django compiles the SQL, psycopg runs it, Django builds the instances.

Django's own async methods (`aget`, `async for`) hop to a thread for each query. Here nothing leaves the event loop, and
everything joins the transaction that is open in the running task. What is asked often is compiled only once: see
`prepared_query.py`.
"""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet

from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.compiling import CompiledQuery, compiled_count
from apps.core.database.statements import fetch_rows


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


async def lock_all[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances in order of their primary keys, each locked until the transaction ends.

    Joined rows are not locked. Foreign keys may still be added to locked rows (FOR NO KEY UPDATE).
    """
    note_lock(queryset.model)
    return await fetch_all(locking(queryset))


async def lock_one[M: Model](queryset: QuerySet[M]) -> M | None:
    """Return the QuerySet's first instance by primary key, locked until the transaction ends, or None."""
    note_lock(queryset.model)
    return await fetch_one(locking(queryset))


async def count(queryset: QuerySet[Any]) -> int:
    """Return how many rows the QuerySet has."""
    try:
        sql, parameters = compiled_count(queryset)
    except EmptyResultSet:
        return 0
    return int((await fetch_rows(sql, parameters))[0][0])


async def exists(queryset: QuerySet[Any]) -> bool:
    """Return whether the QuerySet has a row."""
    return await fetch_one(queryset.order_by()) is not None


def note_lock(model: type[Model]) -> None:
    """Say that rows of the model are about to be locked; raises NoTransaction, LockOrderBroken."""
    table = model._meta.db_table
    require_transaction(f"lock {table}").lock(table)


def locking[M: Model](queryset: QuerySet[M]) -> QuerySet[M]:
    """Return the QuerySet as one that locks its own rows, in order of their primary keys."""
    return queryset.order_by("pk").select_for_update(of=("self",), no_key=True)
