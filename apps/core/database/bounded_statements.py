"""A time limit for the queries of pages with free search."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

STATEMENT_SECONDS = 10  # the same limit as for the API's statements


@contextmanager
def bounded_statements() -> Iterator[None]:
    """Run Django's statements in a transaction that cancels each after STATEMENT_SECONDS, with OperationalError.

    Django's connections have no limit otherwise, because migrations run on them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
        yield


def is_statement_timeout(error: OperationalError) -> bool:
    """Return whether the statement was cancelled because it took too long."""
    return isinstance(error.__cause__, QueryCanceled)
