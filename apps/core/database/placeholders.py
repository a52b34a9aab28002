"""Converts psycopg's placeholders to PostgreSQL's (`$1`), for statements that are sent to libpq directly."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

Parameters = Sequence[Any] | Mapping[str, Any]

STATEMENTS_CACHED = 2048
_NAMED = re.compile(r"%(?:\((\w+)\)s|(%))")
_POSITIONAL = re.compile(r"%([s%])")


class NumberedStatement(NamedTuple):
    """A statement with the placeholders `$1`, `$2`, …, and the names of its parameters, if they have names."""

    sql: str
    names: Sequence[str]

    @classmethod
    def of(cls, text: str) -> "NumberedStatement":
        """Replace the names (`%(name)s`) in the statement by numbers. A repeated name has one number."""
        names = list(dict.fromkeys(name for name, _ in _NAMED.findall(text) if name))
        return cls(_NAMED.sub(lambda found: f"${names.index(found[1]) + 1}" if found[1] else "%", text), names)

    def bind(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Return the SQL and its parameters, in order."""
        return self.sql, [values[name] for name in self.names]


def bound(sql: str, parameters: Parameters) -> tuple[str, Sequence[Any]]:
    """Replace `%s` or `%(name)s` in the statement by `$1`, …, and return it with its parameters in order."""
    if not parameters:  # without parameters, psycopg leaves the statement unchanged, including percent signs
        return sql, ()
    if isinstance(parameters, Mapping):
        return _named(sql).bind(parameters)
    return numbered(sql), parameters


@lru_cache(maxsize=STATEMENTS_CACHED)
def numbered(sql: str) -> str:
    """Replace `%s` in the statement by numbers."""
    numbers = count(1)
    return _POSITIONAL.sub(lambda found: f"${next(numbers)}" if found[1] == "s" else "%", sql)


@lru_cache(maxsize=STATEMENTS_CACHED)
def _named(sql: str) -> NumberedStatement:
    return NumberedStatement.of(sql)
