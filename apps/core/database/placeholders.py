"""PostgreSQL's own placeholders, `$1`, in place of psycopg's: for statements that are sent to libpq as they are."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

Parameters = Sequence[Any] | Mapping[str, Any]

STATEMENTS_REMEMBERED = 2048
_NAMED = re.compile(r"%(?:\((\w+)\)s|(%))")
_POSITIONAL = re.compile(r"%([s%])")


class NumberedStatement(NamedTuple):
    """A statement with `$1`, `$2`, … and the names of the parameters they stand for, if they have names."""

    sql: str
    names: Sequence[str]

    @classmethod
    def of(cls, text: str) -> "NumberedStatement":
        """Return the statement with numbers in place of names (`%(name)s`); a repeated name has one number."""
        names = list(dict.fromkeys(name for name, _ in _NAMED.findall(text) if name))
        return cls(_NAMED.sub(lambda found: f"${names.index(found[1]) + 1}" if found[1] else "%", text), names)

    def bind(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Return the SQL and its parameters, in order."""
        return self.sql, [values[name] for name in self.names]


def bound(sql: str, parameters: Parameters) -> tuple[str, Sequence[Any]]:
    """Return the statement with `$1`, … in place of `%s` or `%(name)s`, and its parameters in order."""
    if not parameters:  # then psycopg leaves a statement as it is, percent signs included
        return sql, ()
    if isinstance(parameters, Mapping):
        return _named(sql).bind(parameters)
    return numbered(sql), parameters


@lru_cache(maxsize=STATEMENTS_REMEMBERED)
def numbered(sql: str) -> str:
    """Return the statement with numbers in place of `%s`."""
    numbers = count(1)
    return _POSITIONAL.sub(lambda found: f"${next(numbers)}" if found[1] == "s" else "%", sql)


@lru_cache(maxsize=STATEMENTS_REMEMBERED)
def _named(sql: str) -> NumberedStatement:
    return NumberedStatement.of(sql)
