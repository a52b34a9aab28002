"""Which statements a connection has prepared, for whoever speaks to libpq itself."""

from collections.abc import MutableMapping
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection

Types = tuple[int, ...]  # the parameters' types, by their numbers in PostgreSQL

_numbers = count(1)


class Statements:
    """The names under which one connection has prepared statements, by their SQL and their parameters' types."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, Types], bytes] = {}
        self._unconfirmed: list[tuple[str, Types]] = []

    def name_of(self, sql: str, types: Types) -> bytes | None:
        """Return the statement's name, or None when it has to be prepared."""
        return self._names.get((sql, types))

    def add(self, sql: str, types: Types) -> bytes:
        """Return a name to prepare the statement under: a new one, whatever has become of others."""
        name = self._names[sql, types] = b"keyhouse_%d" % next(_numbers)
        self._unconfirmed.append((sql, types))
        return name

    def forget(self, sql: str, types: Types) -> None:
        """Prepare the statement anew next time: after an error, it may not be what it was."""
        self._names.pop((sql, types), None)

    def confirm(self) -> None:
        """Take all that was added as prepared."""
        self._unconfirmed.clear()

    def forget_unconfirmed(self) -> None:
        """Prepare anew what was added and not confirmed: PostgreSQL passes over all that follows an error."""
        while self._unconfirmed:
            self.forget(*self._unconfirmed.pop())


_statements: MutableMapping[AsyncConnection[Any], Statements] = WeakKeyDictionary()


def statements_of(borrowed: AsyncConnection[Any]) -> Statements:
    """Return the connection's statements."""
    return _statements.setdefault(borrowed, Statements())
