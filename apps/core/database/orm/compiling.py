"""Compiles QuerySets to SQL with parameters, and converts rows to instances, by Django's own compiler.

Nothing here runs a statement. Only this module, `prepared_query.py` and `writes.py` use undocumented parts of Django.
`tests/integration/core/test_django_internals.py` tests each of them, so that a failing test names the part that a new
Django release has changed:

- `QuerySet.query` and its `get_compiler(connection=…)`, `chain(UpdateQuery)`, `add_update_values`
- `SQLCompiler`: `as_sql`, `klass_info`, `select`, `col_count`, `annotation_col_map`, `get_converters`,
  `apply_converters`
- `SQLInsertCompiler.returning_fields`; `InsertQuery.insert_values` and its `on_conflict`
- `django.db.models.query.get_related_populators`, `QuerySet._fetch_mode`
- `DatabaseWrapper.get_autocommit`, which the compiler calls before it writes FOR UPDATE
- `Options.concrete_fields`, `Options.db_returning_fields`, `Model._state`
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any, NoReturn, cast, override

from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

ALIAS = "default"


class CompiledQuery[M: Model]:
    """A QuerySet's SQL and parameters, and the conversion of its rows to instances. It can be used any number of times.

    Raises EmptyResultSet when Django knows without a query that there are no rows.
    """

    def __init__(self, queryset: QuerySet[M]) -> None:
        compiler = compiler_of(queryset.query)
        self.sql, parameters = compiler.as_sql()
        self.parameters: Sequence[Any] = tuple(parameters)
        # The same steps as in django.db.models.query.ModelIterable, except that the rows come later.
        klass_info, self._fetch_mode = compiler.klass_info, cast("Any", queryset)._fetch_mode
        fields = klass_info["select_fields"]
        self._compiler = compiler
        self.model: type[M] = klass_info["model"]
        self._start, self._end = fields[0], fields[-1] + 1
        self._names = [column[0].target.attname for column in compiler.select[self._start : self._end]]
        self._populators = get_related_populators(klass_info, compiler.select, ALIAS, self._fetch_mode)
        self._annotations = list(compiler.annotation_col_map.items())
        self._converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])

    def instances(self, rows: Iterable[Sequence[Any]]) -> list[M]:
        """Return an instance for each row, with its related instances and annotations."""
        if self._converters:
            rows = self._compiler.apply_converters(rows, self._converters)
        return [self._instance(row) for row in rows]

    def _instance(self, row: Sequence[Any]) -> M:
        values = row[self._start : self._end]
        instance = self.model.from_db(ALIAS, self._names, values, fetch_mode=self._fetch_mode)
        for populator in self._populators:
            populator.populate(row, instance)
        for name, position in self._annotations:
            setattr(instance, name, row[position])
        return instance


def compiled_count(queryset: QuerySet[Any], maximum: int | None = None) -> tuple[str, Sequence[Any]]:
    """Return the SQL that counts the QuerySet's rows, and its parameters. Raises EmptyResultSet like CompiledQuery.

    With `maximum`, PostgreSQL stops there.
    """
    sql, parameters = compiler_of(queryset.order_by().values("pk")[:maximum].query).as_sql()
    return f"SELECT COUNT(*) FROM ({sql}) AS counted", tuple(parameters)  # noqa: S608  Django's own SQL


def compiler_of(query: Any) -> Any:
    """Return Django's compiler for the query, on a connection that is never opened."""
    return query.get_compiler(connection=compiling_connection())


@cache
def compiling_connection() -> DatabaseWrapper:
    """Return the connection from which Django's compilers read PostgreSQL's features."""
    return _CompilingConnection(deepcopy(connections[ALIAS].settings_dict), ALIAS)


class _CompilingConnection(DatabaseWrapper):
    """A connection for compiling, which never connects. Locking QuerySets compile, because they run in transactions."""

    @override
    def get_autocommit(self) -> bool:
        """Return False, as inside a transaction; otherwise Django refuses to compile FOR UPDATE."""
        return False

    @override
    def connect(self) -> NoReturn:
        """Raise RuntimeError: a compiler that queries the server would block the event loop."""
        raise RuntimeError("Django's compiler tried to connect; this connection is for compiling only.")
