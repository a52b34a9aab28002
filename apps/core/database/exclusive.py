"""One process at a time, of all machines: for migrations, and for what else a start does once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from apps.core.database.connection_check import opened_connection

# Any number that no other advisory lock of Keyhouse uses.
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(7205000)"
PAUSE_SECONDS = 0.25
TRANSACTION_TIMEOUT_SINCE = 170_000  # the PostgreSQL version number


@contextmanager
def exclusively() -> Iterator[None]:
    """Wait until no other process is in such a block, and keep others out of theirs. Raises DatabaseUnusable.

    The lock belongs to a transaction, so it works through a pooler too, and ends with the process. It holds no
    snapshot, so nothing waits for it but other blocks.
    """
    with opened_connection() as opened:
        # Polled: a migration that creates an index concurrently waits for every running statement, including one that
        # waits for this lock, which would be a deadlock.
        while not _is_locked_by(opened):
            time.sleep(PAUSE_SECONDS)
        yield


def _is_locked_by(opened: Connection[Any]) -> bool:
    opened.execute("BEGIN")
    opened.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    if opened.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
        opened.execute("SET LOCAL transaction_timeout = 0")
    # Without a parameter, so by the simple protocol: a portal of the extended one would stay, and hold a snapshot.
    row = opened.execute(TRY_LOCK).fetchone()
    is_locked = bool(row and row[0])
    if not is_locked:
        opened.execute("ROLLBACK")
    return is_locked
