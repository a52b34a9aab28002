"""What Django makes of a QuerySet or an instance: SQL with its parameters, and the way from rows to instances.

Nothing here runs a statement. This module, `prepared_query.py` and `writes.py` beside it, and no other, touch parts of
Django that it does not document; `tests/integration/core/test_django_internals.py` has a test for each, which says what
a new release of Django has changed:

- `QuerySet.query` and its `get_compiler(connection=…)`, `chain(UpdateQuery)`, `add_update_values`
- `SQLCompiler`: `as_sql`, `klass_info`, `select`, `col_count`, `annotation_col_map`, `get_converters`,
  `apply_converters`
- `SQLInsertCompiler.returning_fields`; `InsertQuery.insert_values` and its `on_conflict`
- `django.db.models.query.get_related_populators`, `QuerySet._fetch_mode`
- `DatabaseWrapper.get_autocommit`, which the compiler asks before it writes FOR UPDATE
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
    """A QuerySet's SQL, its parameters, and how its rows become instances. Rows may be turned any number of times.

    Raises EmptyResultSet when Django knows without asking that there are none.
    """

    def __init__(self, queryset: QuerySet[M]) -> None:
        compiler = compiler_of(queryset.query)
        self.sql, parameters = compiler.as_sql()
        self.parameters: Sequence[Any] = tuple(parameters)
        # From here on the same steps as in django.db.models.query.ModelIterable, but for the rows, which come later.
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
        """Return an instance for each row, with what `select_related` and `annotate` ask for."""
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


def compiled_count(queryset: QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """Return SQL that counts the QuerySet's rows, and its parameters; raises EmptyResultSet like CompiledQuery."""
    sql, parameters = compiler_of(queryset.order_by().values("pk").query).as_sql()
    return f"SELECT COUNT(*) FROM ({sql}) AS counted", tuple(parameters)  # noqa: S608  Django's own SQL


def compiler_of(query: Any) -> Any:
    """Return Django's compiler of the query, on a connection that is never opened."""
    return query.get_compiler(connection=compiling_connection())


@cache
def compiling_connection() -> DatabaseWrapper:
    """Return the connection that Django's compilers ask for PostgreSQL's features."""
    settings = deepcopy(connections[ALIAS].settings_dict)
    # Parameters are bound on the server, which lets PostgreSQL keep the plans of prepared statements.
    settings["OPTIONS"] = {**settings["OPTIONS"], "server_side_binding": True}
    return _CompilingConnection(settings, ALIAS)


class _CompilingConnection(DatabaseWrapper):
    """Never connects, and lets QuerySets lock rows: whoever runs their SQL is in a transaction."""

    @override
    def get_autocommit(self) -> bool:
        """Say that a transaction is open, or Django refuses to compile FOR UPDATE."""
        return False

    @override
    def connect(self) -> NoReturn:
        """Refuse: a compiler that has to ask the server would block the event loop."""
        raise RuntimeError("Django's compiler asked for a connection, which is made for compiling only.")
