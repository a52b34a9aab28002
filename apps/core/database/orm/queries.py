"""Runs QuerySets asynchronously: Django compiles the SQL, psycopg runs it, Django builds the instances.

Django's own async methods (`aget`, `async for`) hop to a thread for each query. Here nothing leaves the event loop, and
every query joins the transaction that is open in the running task. `prepared_query.py` compiles frequent queries once.
"""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet

from apps.core.database.open_transaction import require_transaction
from apps.core.database.orm.compiling import CompiledQuery, compiled_count
from apps.core.database.statements import fetch_rows, fetch_searched_rows


async def fetch_all[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances, with their related instances and annotations."""
    try:
        query = CompiledQuery(queryset)
    except EmptyResultSet:
        return []
    return query.instances(await fetch_rows(query.sql, query.parameters))


async def search_page[M: Model](
    queryset: QuerySet[M], *, offset: int, size: int, total_maximum: int
) -> tuple[list[M], int]:
    """Return a page of a search's matches in order of id, and how many there are, counted up to `total_maximum`."""
    ((total,),) = await fetch_searched_rows(*compiled_count(queryset, total_maximum))
    return await _searched(queryset[offset : offset + size]) if offset < total else [], int(total)


async def search_after[M: Model](queryset: QuerySet[M], position: int, maximum: int) -> list[M]:
    """Return up to `maximum` matches of a search that follow a position, as `fetch_after` does."""
    return await _searched(queryset.filter(pk__gt=position).order_by("pk")[:maximum])


async def _searched[M: Model](queryset: QuerySet[M]) -> list[M]:
    query = CompiledQuery(queryset)
    return query.instances(await fetch_searched_rows(query.sql, query.parameters))


async def fetch_one[M: Model](queryset: QuerySet[M]) -> M | None:
    """Return the QuerySet's first instance, or None."""
    found = await fetch_all(queryset[:1])
    return found[0] if found else None


async def fetch_after[M: Model](
    queryset: QuerySet[M], position: int, maximum: int, *, newest_first: bool = False
) -> list[M]:
    """Return up to `maximum` rows that follow the row with the id `position`, which may be deleted, in order of id.

    0 is the position before the first row. Needs an index on the filters and the id: the rows before are not read.
    """
    ordered = queryset.order_by("-pk" if newest_first else "pk")
    if position:
        ordered = ordered.filter(**{"pk__lt" if newest_first else "pk__gt": position})
    return await fetch_all(ordered[:maximum])


async def lock_all[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Lock the QuerySet's rows until the transaction ends, and return them in order of their primary keys.

    Joined rows are not locked. Other transactions can still add foreign keys to locked rows (FOR NO KEY UPDATE).
    """
    record_lock(queryset.model)
    return await fetch_all(locking(queryset))


async def lock_one[M: Model](queryset: QuerySet[M]) -> M | None:
    """Lock the QuerySet's first row by primary key until the transaction ends, and return it, or None."""
    record_lock(queryset.model)
    return await fetch_one(locking(queryset))


async def count(queryset: QuerySet[Any]) -> int:
    """Return the number of the QuerySet's rows."""
    try:
        sql, parameters = compiled_count(queryset)
    except EmptyResultSet:
        return 0
    return int((await fetch_rows(sql, parameters))[0][0])


async def exists(queryset: QuerySet[Any]) -> bool:
    """Return whether the QuerySet has a row."""
    return await fetch_one(queryset.order_by()) is not None


def record_lock(model: type[Model]) -> None:
    """Record that rows of the model are about to be locked. Raises NoTransaction, LockOrderBroken."""
    table = model._meta.db_table
    require_transaction(f"lock {table}").lock(table)


def locking[M: Model](queryset: QuerySet[M]) -> QuerySet[M]:
    """Return a QuerySet that locks its own rows in order of their primary keys."""
    return queryset.order_by("pk").select_for_update(of=("self",), no_key=True)
