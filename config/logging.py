"""Where log lines go: one queue, one writer thread, so that no request waits for a pipe."""

import atexit
import logging
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


class RefusalsInOneLine(logging.Filter):
    """Leaves the traceback out of what Django refuses as suspicious: any stranger can cause as many as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, a refusal's without its traceback."""
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True


def logging_settings(level: str, *, as_json: bool) -> dict[str, Any]:
    """Return the `logging.config` dictionary: JSON lines for machines, plain lines for a terminal."""
    formatter = "json" if as_json else "plain"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"format": "%(asctime)s %(levelname)-7s %(name)s %(message)s"},
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            },
        },
        "filters": {"refusals": {"()": "config.logging.RefusalsInOneLine"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": formatter},
            "queue": {
                "class": "config.logging.StartedQueueHandler",
                "handlers": ["stderr"],
                "filters": ["refusals"],
            },
        },
        "root": {"handlers": ["queue"], "level": level},
        "loggers": {
            # Client errors stand in the access log already.
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},
        },
    }
