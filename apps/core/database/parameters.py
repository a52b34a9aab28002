"""Writes parameters for statements that are sent to libpq directly.

Psycopg's placeholders become PostgreSQL's (`$1`). Array literals (PostgreSQL's manual, 8.15.6) are built several times
faster than psycopg adapts a list.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
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
    """Replace `%s` or `%(name)s` in the statement by `$1`, …, and `%%` by `%`, as psycopg does.

    Return the statement with its parameters in order.
    """
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


def array_of_numbers(values: Iterable[object]) -> str:
    """Return the literal of an array of numbers. Cast it to the array type in SQL."""
    return f"{{{','.join(map(str, values))}}}"


def array_of_texts(values: Iterable[str]) -> str:
    """Return the literal of a `text[]`."""
    return f"{{{','.join(map(_quoted, values))}}}"


def array_of_bytes(values: Iterable[bytes]) -> str:
    """Return the literal of a `bytea[]`."""
    return "{" + ",".join([rf'"\\x{value.hex()}"' for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
