"""The errors of the database: unavailability, violated constraints, and what is logged of all others.

A database error's message may repeat the row, which may contain secrets. Its type, code and traceback are logged.
"""

import logging
import traceback

import psycopg
from django.db import Error as DjangoDatabaseError
from django.db import InterfaceError, OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction, TransactionTimeout
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from apps.core.errors import Unavailable

logger = logging.getLogger("keyhouse.errors")

# The database cannot be reached, is shutting down, has no free connection, or a wait has met its bound. A later retry
# can succeed.
DATABASE_UNAVAILABLE = (
    OperationalError,
    InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    TransactionTimeout,  # an internal error to psycopg, as is the next
    ReadOnlySqlTransaction,  # a standby, or a primary that an operator protects
)

# These affect one transaction only: the next one may succeed.
_OF_ONE_TRANSACTION = (LockNotAvailable, DeadlockDetected, QueryCanceled, TransactionTimeout)


def is_unavailable_for_all(error: BaseException) -> bool:
    """Return whether the next transaction would fail too, because the database is unavailable."""
    if isinstance(error.__cause__ or error, _OF_ONE_TRANSACTION):
        return False
    return isinstance(error, (*DATABASE_UNAVAILABLE, Unavailable))


class ConstraintViolated(Exception):
    """A write violated a constraint, named by `constraint`. The message contains no value of the row."""

    def __init__(self, constraint: str) -> None:
        super().__init__(f"the constraint {constraint} was violated")
        self.constraint = constraint


def named_violation(error: psycopg.Error) -> Exception:
    """Return ConstraintViolated for the violation of a named constraint, and any other error unchanged."""
    name = error.diag.constraint_name
    return ConstraintViolated(name) if isinstance(error, psycopg.IntegrityError) and name else error


def log_unexpected(exception: BaseException) -> None:
    """Log the error with its traceback."""
    if _repeats_rows(exception):
        sqlstate = getattr(exception.__cause__ or exception, "sqlstate", None)
        logger.error("unexpected %s %s", type(exception).__name__, sqlstate, exc_info=_without_message(exception))
    else:
        logger.error("unexpected error", exc_info=exception)


def traceback_without_rows(exception: BaseException) -> str | None:
    """Return the traceback, without the database's messages, of an error caused by a database error; otherwise None."""
    chain = _chain(exception)
    if not any(_repeats_rows(link) for link in chain):
        return None
    shown = [_without_message(link) if _repeats_rows(link) else link for link in chain]
    return "\n".join("".join(traceback.format_exception(link, chain=False)).rstrip() for link in shown)


def _chain(exception: BaseException) -> list[BaseException]:
    """Return the chain of causes, with the error itself last."""
    chain: list[BaseException] = []
    link: BaseException | None = exception
    while link is not None and link not in chain:
        chain.insert(0, link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _repeats_rows(exception: BaseException) -> bool:
    return isinstance(exception, DjangoDatabaseError | psycopg.Error)


def _without_message(exception: BaseException) -> BaseException:
    return type(exception)("message withheld").with_traceback(exception.__traceback__)
