"""Inserts, updates and deletes: Django compiles the SQL, psycopg runs it.

Django sends no signals and cascades no deletions: the caller deletes dependent rows that the database does not delete.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet, sql
from django.db.models.constants import OnConflict
from django.db.models.expressions import DatabaseDefault, Expression
from django.db.models.functions import Now

from apps.core.database.orm.compiling import ALIAS, compiler_of
from apps.core.database.statements import execute, fetch_rows


async def insert[M: Model](instance: M) -> M:
    """Insert the instance and return it, with its primary key and database defaults set.

    Raises ConstraintViolated inside a transaction; PostgreSQL's log then repeats values of the row, unless it is
    configured otherwise. Where a conflict is expected, use `insert_if_free`.
    """
    await _insert([instance], ignore_conflicts=False)
    return instance


async def insert_all[M: Model](instances: Sequence[M], *, ignore_conflicts: bool = False) -> None:
    """Insert the instances in one statement. With `ignore_conflicts`, existing rows stay unchanged."""
    if instances:
        await _insert(instances, ignore_conflicts=ignore_conflicts)


async def insert_if_free(instance: Model) -> bool:
    """Insert the instance unless it conflicts with a row, and return whether it was inserted.

    Unlike a failed `insert`, a conflict leaves the transaction usable.
    """
    return bool(await _insert([instance], ignore_conflicts=True))


async def update(queryset: QuerySet[Any], **values: Any) -> int:
    """Update columns of the QuerySet's rows and return their number.

    Values may be expressions (`F`, `Now()`). `updated_at` is set if the model has it.
    """
    query: Any = _query_of_all_rows(queryset).chain(sql.UpdateQuery)
    query.add_update_values({**_automatic_timestamps(queryset.model), **values})
    try:
        statement, parameters = compiler_of(query).as_sql()
    except EmptyResultSet:
        return 0
    return await execute(statement, parameters)


async def delete(queryset: QuerySet[Any]) -> int:
    """Delete the QuerySet's rows, without dependent rows, and return their number."""
    try:
        statement, parameters = compiler_of(_query_of_all_rows(queryset).chain(sql.DeleteQuery)).as_sql()
    except EmptyResultSet:
        return 0
    return await execute(statement, parameters)


def _query_of_all_rows(queryset: QuerySet[Any]) -> Any:
    """Return the QuerySet's query. Raises TypeError for one that Django would not update or delete either.

    Their compilers ignore LIMIT and DISTINCT, and would write to every row that the conditions match.
    """
    query: Any = queryset.query
    if query.is_sliced or query.distinct_fields or query.combinator:
        raise TypeError("A slice, distinct rows, or a combined QuerySet cannot be updated or deleted. Filter by ids.")
    return query


async def check_constraints() -> None:
    """Check deferred constraints, such as foreign keys, now instead of at the commit. Raises ConstraintViolated."""
    await execute("SET CONSTRAINTS ALL IMMEDIATE")
    await execute("SET CONSTRAINTS ALL DEFERRED")


async def _insert[M: Model](instances: Sequence[M], *, ignore_conflicts: bool) -> int:
    compiler = _insert_compiler(instances, ignore_conflicts=ignore_conflicts)
    inserted = 0
    for statement, parameters in compiler.as_sql():
        rows = await fetch_rows(statement, parameters)
        inserted += len(rows)
        if not ignore_conflicts or len(instances) == 1:
            _take_returned(compiler, instances, rows)
    return inserted


def _insert_compiler(instances: Sequence[Model], *, ignore_conflicts: bool) -> Any:
    model, first = type(instances[0]), instances[0]
    meta = model._meta
    fields = [
        field for field in meta.concrete_fields if not field.generated and not (field.primary_key and first.pk is None)
    ]
    for instance in instances:
        _use_database_clock(instance, fields)
    query = sql.InsertQuery(model, on_conflict=OnConflict.IGNORE if ignore_conflicts else None)
    query.insert_values(fields, list(instances), raw=True)
    compiler = compiler_of(query)
    compiler.returning_fields = _returned_fields(first, fields)
    return compiler


def _use_database_clock(instance: Model, fields: Sequence[Any]) -> None:
    """Set automatic timestamps by the database's clock, instead of this machine's clock."""
    for field in fields:
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            default = DatabaseDefault(field._db_default_expression, field.db_default)
            setattr(instance, field.attname, default if field.has_db_default() else Now())


def _returned_fields(instance: Model, fields: Sequence[Any]) -> list[Any]:
    computed = [field for field in fields if isinstance(getattr(instance, field.attname), Expression)]
    return list(dict.fromkeys([*instance._meta.db_returning_fields, *computed]))


def _take_returned(compiler: Any, instances: Sequence[Model], rows: Sequence[Sequence[Any]]) -> None:
    table = instances[0]._meta.db_table
    converters = compiler.get_converters([field.get_col(table) for field in compiler.returning_fields])
    converted = compiler.apply_converters(rows, converters) if converters else rows
    for instance, row in zip(instances, converted, strict=False):
        for field, value in zip(compiler.returning_fields, row, strict=True):
            setattr(instance, field.attname, value)
        instance._state.adding, instance._state.db = False, ALIAS


def _automatic_timestamps(model: type[Model]) -> dict[str, Any]:
    return {field.name: Now() for field in model._meta.concrete_fields if getattr(field, "auto_now", False)}
