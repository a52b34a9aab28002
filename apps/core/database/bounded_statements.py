"""Bounds what a page that searches at will may ask of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

STATEMENT_SECONDS = 10  # as long as one of the API has


@contextmanager
def bounded_statements() -> Iterator[None]:
    """Run Django's statements in a transaction, in which each is given up with OperationalError when it takes longer.

    Django's own connections have no such bound, because migrations run on them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
        yield


def took_too_long(error: OperationalError) -> bool:
    """Return whether a statement was given up because it had taken too long."""
    return isinstance(error.__cause__, QueryCanceled)
