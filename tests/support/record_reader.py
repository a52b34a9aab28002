"""Reads changes of records as a worker does that has cached all of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg.rows import tuple_row

from apps.core.database.connection_check import NOT_FOR_LIBPQ
from apps.verification.repositories.record_changes import CHECK, RecordChanges

ALL = frozenset({("all", 0)})
NOTHING: frozenset[tuple[str, int]] = frozenset()
# Transactions of tests in other databases, as old as the newest change. Snapshots are of the whole server.
OLD_ELSEWHERE = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE backend_xid IS NOT NULL AND datname <> current_database()
        AND backend_xid::text::bigint <= (SELECT max(xid)::text::bigint FROM record_changes WHERE xid < '1000000000000')
)
"""
SETTLING_SECONDS_MAXIMUM = 20


class Reader:
    """What a worker keeps between two checks. A server may replace the connection, as a pooler does."""

    def __init__(self, opened: psycopg.Connection[Any]) -> None:
        self.opened = opened
        self.snapshot: str | None = None
        self.identity: str | None = None

    def check(self) -> frozenset[tuple[str, int]]:
        """Return what has changed since the last check."""
        settle(self.opened)
        sql, parameters = CHECK.bind({"snapshot": self.snapshot, "identity": self.identity})
        with psycopg.RawCursor(self.opened, row_factory=tuple_row) as cursor:
            (row,) = cursor.execute(sql, parameters, prepare=True).fetchall()
        changes = RecordChanges(*row)
        self.snapshot, self.identity = changes.snapshot, changes.identity
        if not changes.is_continuous:
            return ALL
        keys, users = (
            {("key", key) for key in changes.key_ids or ()},
            {("user", user) for user in changes.user_ids or ()},
        )
        return frozenset(keys | users)


def settle(opened: psycopg.Connection[Any]) -> None:
    """Wait until no transaction in another database is older than a change in this one."""
    deadline = time.monotonic() + SETTLING_SECONDS_MAXIMUM
    while (opened.execute(OLD_ELSEWHERE).fetchone() or [False])[0]:
        assert time.monotonic() < deadline, "a transaction in another database does not end"
        time.sleep(0.01)


@contextmanager
def other_connection(**options: Any) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection of its own to the test database, with the generic plans of production."""
    parameters = connection.get_connection_params()
    kept = {name: value for name, value in parameters.items() if name not in NOT_FOR_LIBPQ}
    with psycopg.connect(**{"autocommit": True, **kept, **options}) as opened:
        opened.execute("SET plan_cache_mode = force_generic_plan")
        yield opened


@contextmanager
def new_reader() -> Iterator[Reader]:
    """Open a reader that has seen everything until now."""
    with other_connection() as opened:
        reader = Reader(opened)
        assert reader.check() == ALL  # it had cached nothing
        assert reader.check() == NOTHING
        yield reader
