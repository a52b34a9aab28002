"""The exceptions that report an unavailable database."""

import psycopg
from django.db import InterfaceError, OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from apps.core.errors import Unavailable

# The database cannot be reached, is shutting down, or has no free connection. A later retry can succeed.
DATABASE_UNAVAILABLE = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)

# These are operational errors too, but affect one transaction only: the next one may succeed.
_OF_ONE_TRANSACTION = (LockNotAvailable, DeadlockDetected, QueryCanceled)


def is_unavailable_for_all(error: BaseException) -> bool:
    """Return whether the next transaction would fail too, because the database is unavailable."""
    if isinstance(error.__cause__ or error, _OF_ONE_TRANSACTION):
        return False
    return isinstance(error, (*DATABASE_UNAVAILABLE, Unavailable))
