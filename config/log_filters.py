"""What does not get into the log, whoever writes it."""

import logging

from apps.core.database.unexpected_errors import traceback_without_rows


class RefusalsInOneLine(logging.Filter):
    """Leaves the traceback out of what Django refuses as suspicious: any stranger can cause as many as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, a refusal's without its traceback."""
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True


class RowsWithheld(logging.Filter):
    """Leaves the messages of database errors out of tracebacks: they repeat values of rows."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, its traceback without them."""
        error = record.exc_info[1] if record.exc_info else None
        text = traceback_without_rows(error) if error else None
        if text is not None:
            record.exc_info, record.exc_text = None, text
        return True
