"""Writes of instances and QuerySets: Django compiles the SQL, psycopg runs it.

No signal is sent, and Django cascades nothing: what belongs to a deleted row is deleted by whoever deletes it, where
the database does not.
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
    """Insert the instance and return it with its primary key and what the database has made of its defaults.

    Raises ConstraintViolated inside a transaction.
    """
    await _insert([instance], ignore_conflicts=False)
    return instance


async def insert_all[M: Model](instances: Sequence[M], *, ignore_conflicts: bool = False) -> None:
    """Insert the instances in one statement; with `ignore_conflicts`, rows that exist already stay as they are."""
    if instances:
        await _insert(instances, ignore_conflicts=ignore_conflicts)


async def insert_if_free(instance: Model) -> bool:
    """Insert the instance unless a row stands in its way, and return whether it was inserted.

    Unlike a refused `insert`, this leaves the transaction usable.
    """
    return bool(await _insert([instance], ignore_conflicts=True))


async def update(queryset: QuerySet[Any], **values: Any) -> int:
    """Set columns of the QuerySet's rows and return how many there were.

    Values may be expressions (`F`, `Now()`). `updated_at` is set where the model has it.
    """
    query: Any = queryset.query.chain(sql.UpdateQuery)
    query.add_update_values({**_touched(queryset.model), **values})
    try:
        statement, parameters = compiler_of(query).as_sql()
    except EmptyResultSet:
        return 0
    return await execute(statement, parameters)


async def delete(queryset: QuerySet[Any]) -> int:
    """Delete the QuerySet's rows, and nothing that belongs to them; return how many there were."""
    try:
        statement, parameters = compiler_of(queryset.query.chain(sql.DeleteQuery)).as_sql()
    except EmptyResultSet:
        return 0
    return await execute(statement, parameters)


async def check_constraints() -> None:
    """Have deferred constraints, such as foreign keys, checked now, not at the commit; raises ConstraintViolated."""
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
        _leave_to_the_database(instance, fields)
    query = sql.InsertQuery(model, on_conflict=OnConflict.IGNORE if ignore_conflicts else None)
    query.insert_values(fields, list(instances), raw=True)
    compiler = compiler_of(query)
    compiler.returning_fields = _returned_fields(first, fields)
    return compiler


def _leave_to_the_database(instance: Model, fields: Sequence[Any]) -> None:
    """Let the database's clock, not this machine's, set what Django would set to the moment."""
    for field in fields:
        if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
            default = DatabaseDefault(field._db_default_expression, field.db_default)
            setattr(instance, field.attname, default if field.has_db_default() else Now())


def _returned_fields(instance: Model, fields: Sequence[Any]) -> list[Any]:
    made = [field for field in fields if isinstance(getattr(instance, field.attname), Expression)]
    return list(dict.fromkeys([*instance._meta.db_returning_fields, *made]))


def _take_returned(compiler: Any, instances: Sequence[Model], rows: Sequence[Sequence[Any]]) -> None:
    table = instances[0]._meta.db_table
    converters = compiler.get_converters([field.get_col(table) for field in compiler.returning_fields])
    converted = compiler.apply_converters(rows, converters) if converters else rows
    for instance, row in zip(instances, converted, strict=False):
        for field, value in zip(compiler.returning_fields, row, strict=True):
            setattr(instance, field.attname, value)
        instance._state.adding, instance._state.db = False, ALIAS


def _touched(model: type[Model]) -> dict[str, Any]:
    return {field.name: Now() for field in model._meta.concrete_fields if getattr(field, "auto_now", False)}
