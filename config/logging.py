"""Logging: a queue with a writer thread, so that requests do not wait for output, and filters of sensitive data."""

import atexit
import logging
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Any, override

from pythonjsonlogger.json import JsonFormatter

from apps.core.database.database_errors import traceback_without_rows


class StartedQueueHandler(QueueHandler):
    """A queue handler that starts its writer thread, which empties the queue when the process ends.

    `logging.config` creates the listener and does not start it.
    """

    _listener: QueueListener | None = None

    @property
    def listener(self) -> QueueListener | None:
        """The writer thread."""
        return self._listener

    @listener.setter
    def listener(self, listener: QueueListener | None) -> None:
        self._listener = listener
        if listener is not None:
            listener.start()
            atexit.register(listener.stop)


class ShortRefusals(logging.Filter):
    """Removes the traceback of requests that Django refuses as suspicious: any client can cause any number of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove the traceback from records of refused requests, and pass every record."""
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True


class RowsWithheld(logging.Filter):
    """Removes the messages of database errors from tracebacks: they repeat values of rows."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Remove database messages from the record's traceback, and pass every record."""
        error = record.exc_info[1] if record.exc_info else None
        text = traceback_without_rows(error) if error else None
        if text is not None:
            record.exc_info, record.exc_text = None, text
        return True


class UtcFormatter(logging.Formatter):
    """Writes times in UTC with a Z (RFC 3339), whatever the machine's time zone is."""

    @override
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return when the record was made, to the millisecond."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class UtcJsonFormatter(UtcFormatter, JsonFormatter):
    """Writes a JSON object, with its time in UTC."""


FORMATTERS = {
    "plain": {"()": "config.logging.UtcFormatter", "fmt": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
    "json": {"()": "config.logging.UtcJsonFormatter", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"},
}
FILTERS = {
    "refusals": {"()": "config.logging.ShortRefusals"},
    "rows": {"()": "config.logging.RowsWithheld"},
}
LOGGERS = {
    # The access log already contains client errors.
    "django.request": {"level": "ERROR"},
    "django.security": {"level": "WARNING"},
    # It logs whole URLs, and some have a secret in the query.
    "httpx": {"level": "WARNING"},
    "psycopg.pool": {"level": "ERROR"},
    "uvicorn": {"level": "WARNING"},
}


def logging_settings(level: str, *, as_json: bool) -> dict[str, Any]:
    """Return the `logging.config` dictionary: JSON lines for machines, plain lines for a terminal."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": FORMATTERS,
        "filters": FILTERS,
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json" if as_json else "plain"},
            "queue": {
                "class": "config.logging.StartedQueueHandler",
                "handlers": ["stderr"],
                "filters": list(FILTERS),
            },
        },
        "root": {"handlers": ["queue"], "level": level},
        "loggers": LOGGERS,
    }
