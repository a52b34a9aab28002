"""Where log lines go: one queue, one writer thread, so that no request waits for a pipe."""

import atexit
from logging.handlers import QueueHandler, QueueListener
from typing import Any


class StartedQueueHandler(QueueHandler):
    """A queue handler whose writer thread starts with it and empties the queue when the process ends.

    `logging.config` makes the listener and leaves it to somebody to start it.
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


FORMATTERS = {
    "plain": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
    "json": {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
    },
}
FILTERS = {
    "refusals": {"()": "config.log_filters.RefusalsInOneLine"},
    "rows": {"()": "config.log_filters.RowsWithheld"},
}
LOGGERS = {
    # Client errors stand in the access log already.
    "django.request": {"level": "ERROR"},
    "django.security": {"level": "WARNING"},
    # It writes whole addresses, and some have a secret in their query.
    "httpx": {"level": "WARNING"},
    "psycopg.pool": {"level": "ERROR"},
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
