"""The prepared statements of each connection, for code that uses libpq directly."""

from collections import OrderedDict
from collections.abc import MutableMapping
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection

Types = tuple[int, ...]  # the parameters' types, as PostgreSQL OIDs

# Per connection: enough for the product's own statements and those that Django compiles for each call.
STATEMENTS_MAXIMUM = 500
_numbers = count(1)


class Statements:
    """The names of one connection's prepared statements, by their SQL and parameter types."""

    def __init__(self) -> None:
        self._names: OrderedDict[tuple[str, Types], bytes] = OrderedDict()
        self._unconfirmed: list[tuple[str, Types]] = []

    def name_of(self, sql: str, types: Types) -> bytes | None:
        """Return the statement's name, or None when it must be prepared first."""
        name = self._names.get((sql, types))
        if name is not None:
            self._names.move_to_end((sql, types))
        return name

    def add(self, sql: str, types: Types) -> bytes:
        """Return a new, unique name for the statement to prepare."""
        name = self._names[sql, types] = b"keyhouse_%d" % next(_numbers)
        self._unconfirmed.append((sql, types))
        return name

    def pop_excess(self) -> bytes | None:
        """Remove the least recently used statement if there are too many, and return its name, or None.

        The caller deallocates it.
        """
        return self._names.popitem(last=False)[1] if len(self._names) > STATEMENTS_MAXIMUM else None

    def forget(self, sql: str, types: Types) -> None:
        """Forget the statement, so that it is prepared again: after an error it may be stale."""
        self._names.pop((sql, types), None)

    def forget_everywhere(self, sql: str, types: Types) -> None:
        """Forget the statement on all connections: a retry may get another one, where it is as stale."""
        for statements in list(_statements.values()):
            statements.forget(sql, types)

    def confirm(self) -> None:
        """Mark all added statements as prepared."""
        self._unconfirmed.clear()

    def forget_unconfirmed(self) -> None:
        """Forget the unconfirmed statements, because PostgreSQL skips everything that follows an error."""
        while self._unconfirmed:
            self.forget(*self._unconfirmed.pop())


_statements: MutableMapping[AsyncConnection[Any], Statements] = WeakKeyDictionary()


def statements_of(borrowed: AsyncConnection[Any]) -> Statements:
    """Return the connection's prepared statements."""
    return _statements.setdefault(borrowed, Statements())
