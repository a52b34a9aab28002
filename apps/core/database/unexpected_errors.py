"""Logs what nobody expected, without what rows hold."""

import logging

import psycopg
from django.db import Error as DjangoDatabaseError

logger = logging.getLogger("keyhouse.errors")


def log_unexpected(exception: BaseException) -> None:
    """Log the error with its traceback."""
    # A database error's message repeats the row, which may hold secrets: its type, code and place are enough.
    if isinstance(exception, DjangoDatabaseError | psycopg.Error):
        sqlstate = getattr(exception.__cause__ or exception, "sqlstate", None)
        logger.error("unexpected %s %s", type(exception).__name__, sqlstate, exc_info=_without_message(exception))
    else:
        logger.error("unexpected error", exc_info=exception)


def _without_message(exception: BaseException) -> BaseException:
    return type(exception)("message withheld").with_traceback(exception.__traceback__)
