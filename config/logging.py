"""Where log lines go: one queue, one writer thread, so that no request waits for a pipe."""

from typing import Any


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
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": formatter},
            "queue": {"class": "logging.handlers.QueueHandler", "handlers": ["stderr"], "respect_handler_level": True},
        },
        "root": {"handlers": ["queue"], "level": level},
        "loggers": {
            # Client errors stand in the access log already.
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},
        },
    }
