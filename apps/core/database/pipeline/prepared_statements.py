"""Which statements a connection has prepared, for code that speaks to libpq itself."""

from collections import OrderedDict
from collections.abc import MutableMapping
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection

Types = tuple[int, ...]  # the parameters' types, by their numbers in PostgreSQL

# On each connection: more than the product's own statements, with room for those that Django compiles for each call.
STATEMENTS_MAXIMUM = 500
_numbers = count(1)


class Statements:
    """The names under which one connection has prepared statements, by their SQL and their parameters' types."""

    def __init__(self) -> None:
        self._names: OrderedDict[tuple[str, Types], bytes] = OrderedDict()
        self._unconfirmed: list[tuple[str, Types]] = []

    def name_of(self, sql: str, types: Types) -> bytes | None:
        """Return the statement's name, or None when it has to be prepared."""
        name = self._names.get((sql, types))
        if name is not None:
            self._names.move_to_end((sql, types))
        return name

    def add(self, sql: str, types: Types) -> bytes:
        """Return a name to prepare the statement under; never one that was used before."""
        name = self._names[sql, types] = b"keyhouse_%d" % next(_numbers)
        self._unconfirmed.append((sql, types))
        return name

    def pop_excess(self) -> bytes | None:
        """Return the name of the statement that was unused for longest when there are too many, or None.

        Whoever asks deallocates it.
        """
        return self._names.popitem(last=False)[1] if len(self._names) > STATEMENTS_MAXIMUM else None

    def forget(self, sql: str, types: Types) -> None:
        """Have the statement prepared again next time: after an error it may not be what it was."""
        self._names.pop((sql, types), None)

    def confirm(self) -> None:
        """Take everything that was added as prepared."""
        self._unconfirmed.clear()

    def forget_unconfirmed(self) -> None:
        """Have what was added and not confirmed prepared again: PostgreSQL passes over all that follows an error."""
        while self._unconfirmed:
            self.forget(*self._unconfirmed.pop())


_statements: MutableMapping[AsyncConnection[Any], Statements] = WeakKeyDictionary()


def statements_of(borrowed: AsyncConnection[Any]) -> Statements:
    """Return the connection's statements."""
    return _statements.setdefault(borrowed, Statements())
