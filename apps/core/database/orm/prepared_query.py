"""QuerySets that Django builds and compiles once, and that run many times with different values.

Building and compiling a QuerySet takes longer than everything else in a short request.

    @prepared
    def _keys_of(user_id: int) -> QuerySet[ApiKey]:
        return ApiKey.objects.filter(user_id=user_id).order_by("id")

    keys = await _keys_of.all(7)

The function is called with two sets of sample values at the first use, and never again. Django must compile both to the
same SQL, and the samples must appear unchanged among its parameters. Anything else that depends on a value (a
condition, a lookup that converts it, the clock) cannot be bound later, and raises CannotPrepare.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from inspect import signature
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from apps.core.database.open_transaction import open_connection
from apps.core.database.orm.compiling import CompiledQuery, compiled_count
from apps.core.database.orm.queries import locking, record_lock
from apps.core.database.parameters import numbered
from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.shared_reads import read_rows

# The sample values for each parameter type: distinct from each other, and from the constants of any QuerySet.
SAMPLES: dict[type, Callable[[int], Any]] = {
    int: lambda number: 1_873_550_000 + number,
    str: lambda number: f"sample {number:04} of a parameter",
    Decimal: lambda number: Decimal(1_873_550_000 + number) / 1000,
    datetime: lambda number: datetime(1873, 5, 5, 11, 13, 17, 190_000, UTC) + timedelta(days=number),
    date: lambda number: date(1873, 5, 5) + timedelta(days=number),
    UUID: lambda number: UUID(int=(1_873_550_000 << 64) + number),
}
PARAMETERS_MAXIMUM = 100


class CannotPrepare(TypeError):
    """The QuerySet differs between values, so it cannot be compiled once."""


def prepared[**P, M: Model](function: Callable[P, QuerySet[M]]) -> "PreparedQuery[P, M]":
    """Decorate a function that returns a QuerySet, so that it is compiled once."""
    return PreparedQuery(function)


class PreparedQuery[**P, M: Model]:
    """A QuerySet with parameters. Values must have exactly the annotated types; None would change the SQL."""

    def __init__(self, function: Callable[P, QuerySet[M]]) -> None:
        self._function = function
        self._types = _types(function)

    async def all(self, *args: P.args, **kwargs: P.kwargs) -> list[M]:
        """Return the instances."""
        template, query = self._all
        return query.instances(await _rows(template.sql, template.bind(self._values(args, kwargs))))

    async def first(self, *args: P.args, **kwargs: P.kwargs) -> M | None:
        """Return the first instance, or None."""
        template, query = self._all
        rows = await _rows(f"{template.sql} LIMIT 1", template.bind(self._values(args, kwargs)))
        return query.instances(rows)[0] if rows else None

    async def lock(self, *args: P.args, **kwargs: P.kwargs) -> M | None:
        """Lock the first instance by primary key until the transaction ends, and return it, or None."""
        found = await self.lock_all(*args, **kwargs)
        return found[0] if found else None

    async def lock_all(self, *args: P.args, **kwargs: P.kwargs) -> list[M]:
        """Lock the instances until the transaction ends, and return them in order of their primary keys."""
        template, query = self._locked
        record_lock(query.model)
        return query.instances(await _rows(template.sql, template.bind(self._values(args, kwargs))))

    async def page(self, offset: int, size: int, *args: P.args, **kwargs: P.kwargs) -> tuple[list[M], int]:
        """Return up to `size` instances after the first `offset`, and the total number of rows.

        Runs one statement, and a second one to count only if the page is full or past the end.
        """
        template, query = self._all
        values = self._values(args, kwargs)
        rows = await _rows(template.page_sql, [*template.bind(values), size, offset])
        ends_here = len(rows) < size and (rows or not offset)
        total = offset + len(rows) if ends_here else await self._total(values)
        return query.instances(rows), total

    async def count(self, *args: P.args, **kwargs: P.kwargs) -> int:
        """Return the number of rows."""
        return await self._total(self._values(args, kwargs))

    async def _total(self, values: Sequence[Any]) -> int:
        rows = await _rows(self._count.sql, self._count.bind(values))
        return int(rows[0][0])

    def _values(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Sequence[Any]:
        values = [*args, *(kwargs[name] for name in list(self._types)[len(args) :])] if kwargs else args
        for value, (name, expected) in zip(values, self._types.items(), strict=True):
            if type(value) is not expected:
                raise TypeError(f"{self._name}: {name} must be {expected.__name__}, not {type(value).__name__}")
        return values

    @cached_property
    def _all(self) -> "tuple[_Template, CompiledQuery[M]]":
        return self._compiled(CompiledQuery)

    @cached_property
    def _locked(self) -> "tuple[_Template, CompiledQuery[M]]":
        return self._compiled(lambda queryset: CompiledQuery(locking(queryset)))

    def _compiled(
        self, compile_queryset: "Callable[[QuerySet[M]], CompiledQuery[M]]"
    ) -> "tuple[_Template, CompiledQuery[M]]":
        queries = [self._compile(compile_queryset, samples) for samples in self._samples]
        template = _template(self._name, self._samples, [(query.sql, query.parameters) for query in queries])
        return template, queries[0]

    @cached_property
    def _count(self) -> "_Template":
        return _template(self._name, self._samples, [self._compile(compiled_count, one) for one in self._samples])

    @cached_property
    def _samples(self) -> list[list[Any]]:
        return [
            [SAMPLES[expected](start + number) for number, expected in enumerate(self._types.values())]
            for start in (0, PARAMETERS_MAXIMUM)
        ]

    def _compile[T](self, compile_queryset: Callable[[QuerySet[M]], T], samples: Sequence[Any]) -> T:
        queryset = self._function(*samples)  # type: ignore[call-arg]  # samples have the parameters' types
        _require_plain(self._name, queryset)
        try:
            return compile_queryset(queryset)
        except EmptyResultSet as error:
            raise CannotPrepare(f"{self._name} never returns rows") from error

    @property
    def _name(self) -> str:
        return getattr(self._function, "__qualname__", repr(self._function))


async def _rows(sql: str, parameters: Sequence[Any]) -> Rows:
    """Run the statement on the transaction that is open in the running task, or else on a shared connection."""
    opened = open_connection()
    if opened is None:
        return await read_rows(sql, parameters)
    rows: Rows = await opened.fetch_rows(sql, parameters)
    return rows


@dataclass(frozen=True, slots=True)
class _Template:
    """SQL with its parameters. `bindings` are pairs of a parameter's position and the index of the value it takes."""

    sql: str
    parameters: list[Any]
    bindings: list[tuple[int, int]]

    @property
    def page_sql(self) -> str:
        after = len(self.parameters)
        return f"{self.sql} LIMIT ${after + 1} OFFSET ${after + 2}"

    def bind(self, values: Sequence[Any]) -> list[Any]:
        bound = self.parameters.copy()
        for position, index in self.bindings:
            bound[position] = values[index]
        return bound


def _types(function: Callable[..., Any]) -> dict[str, type]:
    types = {name: parameter.annotation for name, parameter in signature(function).parameters.items()}
    for name, expected in types.items():
        if expected not in SAMPLES:
            supported = ", ".join(supported.__name__ for supported in SAMPLES)
            raise CannotPrepare(f"{function.__qualname__}: {name} must be annotated with one of {supported}")
    if len(types) > PARAMETERS_MAXIMUM:
        raise CannotPrepare(f"{function.__qualname__} has more than {PARAMETERS_MAXIMUM} parameters")
    return types


def _template(name: str, samples: Sequence[Sequence[Any]], compiled: Sequence[tuple[str, Sequence[Any]]]) -> _Template:
    (sql, one), (other_sql, other) = compiled
    if sql != other_sql:
        raise CannotPrepare(f"{name}: the SQL depends on a value")
    indexes = [_index_of(name, samples, pair) if _differ(*pair) else None for pair in zip(one, other, strict=True)]
    bindings = [(position, index) for position, index in enumerate(indexes) if index is not None]
    if {index for _, index in bindings} != set(range(len(samples[0]))):
        raise CannotPrepare(f"{name}: a parameter does not appear in the statement")
    return _Template(numbered(sql), list(one), bindings)


def _differ(one: Any, other: Any) -> bool:
    return type(one) is not type(other) or bool(one != other)


def _index_of(name: str, samples: Sequence[Sequence[Any]], pair: tuple[Any, Any]) -> int:
    for index, wanted in enumerate(zip(*samples, strict=True)):
        if not _differ(pair, wanted) and type(pair[0]) is type(wanted[0]):
            return index
    raise CannotPrepare(f"{name}: a value is converted before it is bound, or differs from call to call")


def _require_plain(name: str, queryset: Any) -> None:
    """Raise CannotPrepare for unsupported QuerySets: this module appends LIMIT and OFFSET and converts single rows."""
    query = queryset.query
    if query.is_sliced or query.select_for_update or query.combinator:
        raise CannotPrepare(f"{name} must not be sliced, locked or combined")
    if not issubclass(queryset._iterable_class, ModelIterable) or queryset._prefetch_related_lookups:
        raise CannotPrepare(f"{name} must return instances and must not prefetch")
    if queryset._fetch_mode.track_peers or queryset._known_related_objects:
        raise CannotPrepare(f"{name} must not use a fetch mode or related objects that link its instances")
