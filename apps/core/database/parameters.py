"""Writes parameters for statements that are sent to libpq directly.

Psycopg's placeholders become PostgreSQL's (`$1`). Array literals (PostgreSQL's manual, 8.15.6) are built several times
faster than psycopg adapts a list. Numbers and bytes that are sent with every batch are in PostgreSQL's binary format
(array_recv in src/backend/utils/adt/arrayfuncs.c of its source), which is less work for both sides.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, count, repeat
from struct import Struct
from typing import Any, NamedTuple

from psycopg.pq import Format

Parameters = Sequence[Any] | Mapping[str, Any]

STATEMENTS_CACHED = 2048
_NAMED = re.compile(r"%(?:\((\w+)\)s|(%))")
_POSITIONAL = re.compile(r"%([s%])")


BIGINT_OID, BYTEA_OID = 20, 17
BIGINT_BYTES = 8
# Of an array: the number of dimensions, whether it has nulls, the elements' type; of its dimension: the length and the
# lower bound.
_array_head, _dimension, _length = Struct(">iii"), Struct(">ii"), Struct(">i")


class Encoded(NamedTuple):
    """Parameters as they are sent. PostgreSQL infers their types."""

    values: list[bytes | None]
    formats: list[Format]


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

    def encode(self, values: Mapping[str, str | bytes | None]) -> tuple[str, Encoded]:
        """Return the SQL and its parameters, in order: texts as PostgreSQL reads them, bytes in its binary format."""
        ordered = [values[name] for name in self.names]
        return self.sql, Encoded(
            [value.encode() if isinstance(value, str) else value for value in ordered],
            [Format.BINARY if isinstance(value, bytes) else Format.TEXT for value in ordered],
        )


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


def binary_bigints(values: Sequence[int]) -> bytes:
    """Return a `bigint[]` in PostgreSQL's binary format."""
    if not values:
        return _array_head.pack(0, 0, BIGINT_OID)
    return _bigints(len(values)).pack(1, 0, BIGINT_OID, len(values), 1, *chain(*zip(repeat(BIGINT_BYTES), values)))


def binary_byteas(values: Sequence[bytes]) -> bytes:
    """Return a `bytea[]` in PostgreSQL's binary format."""
    if not values:
        return _array_head.pack(0, 0, BYTEA_OID)
    parts = [_array_head.pack(1, 0, BYTEA_OID), _dimension.pack(len(values), 1)]
    for value in values:
        parts += (_length.pack(len(value)), value)
    return b"".join(parts)


@lru_cache(maxsize=512)
def _bigints(number: int) -> Struct:
    return Struct(">iiiii" + number * "iq")


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
