"""Prepares the database and the static files for this release, before it serves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.core.management import call_command
from django.db import connection, connections

from apps.core.event_loop import call_service
from apps.usage.dependencies import usage_service
from config.serving.first_run import FirstSecrets, create_first_accounts

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

# Any number that no other advisory lock of Keyhouse uses.
ADVISORY_LOCK = 7_205_000
PAUSE_SECONDS = 0.25


def prepare(*, migrate: bool, with_first_accounts: bool) -> FirstSecrets | None:
    """Migrate, create the partitions of the coming months, collect static files; return a first start's secrets.

    Safe when several machines start at once: one prepares, the others wait for it. Uses Django's synchronous ORM, as
    `migrate` does.
    """
    with _exclusively():
        if migrate:
            call_command("migrate", interactive=False, verbosity=0)
        call_service(usage_service().prepare_partitions)
        call_command("collectstatic", interactive=False, verbosity=0)
        return create_first_accounts() if with_first_accounts else None


@contextmanager
def _exclusively() -> Iterator[None]:
    while not _is_locked_by_us():
        time.sleep(PAUSE_SECONDS)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
        close_connections()


def _is_locked_by_us() -> bool:
    # Polled: a migration that creates an index concurrently waits for every running statement, also for one that waits
    # for this lock, and neither would ever end.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        return bool(cursor.fetchone()[0])


def close_connections() -> None:
    """Close this process' connections to the database, so that the workers may have them."""
    connections.close_all()
    cast("DatabaseWrapper", connection).close_pool()
