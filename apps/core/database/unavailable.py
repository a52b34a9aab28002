"""How it shows that the database is away."""

import psycopg
from django.db import InterfaceError, OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from apps.core.errors import Unavailable

# It cannot be reached, is going down, or has no place left: all pass by themselves.
DATABASE_UNAVAILABLE = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)

# These are operational errors too, and of one transaction alone: the next may go well.
_OF_ONE_TRANSACTION = (LockNotAvailable, DeadlockDetected, QueryCanceled)


def is_unavailable_for_all(error: BaseException) -> bool:
    """Return whether the next transaction would fail as well, because the database is away or taken to be."""
    if isinstance(error.__cause__ or error, _OF_ONE_TRANSACTION):
        return False
    return isinstance(error, (*DATABASE_UNAVAILABLE, Unavailable))
