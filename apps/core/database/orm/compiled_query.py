"""What Django makes of a QuerySet: SQL with its parameters, and the way from rows to instances."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import cache
from typing import Any, cast

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
        compiler = _compiler(queryset)
        self.sql, parameters = compiler.as_sql()
        self.parameters: Sequence[Any] = tuple(parameters)
        # From here on the same steps as in django.db.models.query.ModelIterable, but for the rows, which come later.
        klass_info, self._fetch_mode = compiler.klass_info, cast("Any", queryset)._fetch_mode
        fields = klass_info["select_fields"]
        self._compiler = compiler
        self._model: type[M] = klass_info["model"]
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
        instance = self._model.from_db(ALIAS, self._names, values, fetch_mode=self._fetch_mode)
        for populator in self._populators:
            populator.populate(row, instance)
        for name, position in self._annotations:
            setattr(instance, name, row[position])
        return instance


def compiled_count(queryset: QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """Return SQL that counts the QuerySet's rows, and its parameters; raises EmptyResultSet like CompiledQuery."""
    sql, parameters = _compiler(queryset.order_by().values("pk")).as_sql()
    return f"SELECT COUNT(*) FROM ({sql}) AS counted", tuple(parameters)  # noqa: S608  Django's own SQL


def _compiler(queryset: QuerySet[Any]) -> Any:
    return queryset.query.get_compiler(connection=_compiling_connection())


@cache
def _compiling_connection() -> DatabaseWrapper:
    # Never connects. It differs from Django's own only in telling the compiler that parameters are bound on the
    # server, which lets PostgreSQL keep the plans of prepared statements.
    settings = deepcopy(connections[ALIAS].settings_dict)
    settings["OPTIONS"] = {**settings["OPTIONS"], "server_side_binding": True}
    return DatabaseWrapper(settings, ALIAS)
