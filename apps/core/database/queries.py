"""Runs QuerySets natively: Django compiles the SQL, psycopg runs it, Django builds the instances.

Django's own async methods (`aget`, `async for`) hop to a thread for each query. Here nothing leaves the event loop.
"""

from copy import deepcopy
from functools import cache
from typing import Any, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

from apps.core.database.pool import connection

ALIAS = "default"


async def fetch_all[M: Model](queryset: QuerySet[M]) -> list[M]:
    """Return the QuerySet's instances, with what `select_related` and `annotate` ask for."""
    compiler = queryset.query.get_compiler(connection=_compiling_connection())
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return []
    rows = await fetch_rows(sql, parameters)
    return _instances(queryset, compiler, rows)


async def fetch_one[M: Model](queryset: QuerySet[M]) -> M | None:
    """Return the QuerySet's first instance, or None."""
    found = await fetch_all(queryset[:1])
    return found[0] if found else None


async def count(queryset: QuerySet[Any]) -> int:
    """Return how many rows the QuerySet has."""
    compiler = queryset.order_by().values("pk").query.get_compiler(connection=_compiling_connection())
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return 0
    rows = await fetch_rows(f"SELECT COUNT(*) FROM ({sql}) AS counted", parameters)  # noqa: S608  Django's own SQL
    return int(rows[0][0])


async def fetch_rows(sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    """Return the rows of one statement."""
    async with connection() as borrowed:
        cursor = await borrowed.execute(sql, parameters)
        return await cursor.fetchall() if cursor.description else []


@cache
def _compiling_connection() -> DatabaseWrapper:
    # Never connects. It differs from Django's own only in telling the compiler that parameters are bound on the
    # server, which lets PostgreSQL keep the plans of prepared statements.
    settings = deepcopy(connections[ALIAS].settings_dict)
    settings["OPTIONS"] = {**settings["OPTIONS"], "server_side_binding": True}
    return DatabaseWrapper(settings, ALIAS)


def _instances[M: Model](queryset: QuerySet[M], compiler: Any, rows: list[tuple[Any, ...]]) -> list[M]:
    # The same steps as django.db.models.query.ModelIterable, from rows that are here already.
    klass_info, fetch_mode = compiler.klass_info, cast("Any", queryset)._fetch_mode
    fields = klass_info["select_fields"]
    start, end = fields[0], fields[-1] + 1
    names = [column[0].target.attname for column in compiler.select[start:end]]
    populators = get_related_populators(klass_info, compiler.select, ALIAS, fetch_mode)
    instances = []
    for row in compiler.results_iter([rows]):
        instance = klass_info["model"].from_db(ALIAS, names, row[start:end], fetch_mode=fetch_mode)
        for populator in populators:
            populator.populate(row, instance)
        for name, position in compiler.annotation_col_map.items():
            setattr(instance, name, row[position])
        instances.append(instance)
    return instances
