"""Log lines reach standard error from a process that ends at once, as text in development and as JSON in production."""

import json
import logging
import subprocess
import sys

import psycopg
import pytest
from django.db import IntegrityError

from config.log_filters import RefusalsInOneLine, RowsWithheld
from config.logging import logging_settings

PROGRAM = """
import logging, logging.config
from config.logging import logging_settings
logging.config.dictConfig(logging_settings("INFO", as_json={as_json}))
logging.getLogger("keyhouse.access").info("GET %s", "/health", extra={{"status": 200}})
try:
    raise ValueError("broken")
except ValueError:
    logging.getLogger("keyhouse.errors").exception("unexpected")
"""


def lines_of(*, as_json: bool) -> list[str]:
    command = [sys.executable, "-c", PROGRAM.format(as_json=as_json)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_plain_lines_with_the_traceback():
    lines = lines_of(as_json=False)
    assert lines[0].endswith("INFO    keyhouse.access GET /health")
    assert lines[-1] == "ValueError: broken"


def test_one_json_object_a_line():
    access, error = (json.loads(line) for line in lines_of(as_json=True))
    assert (access["message"], access["status"], access["levelname"]) == ("GET /health", 200, "INFO")
    assert "ValueError: broken" in json.dumps(error)


def test_what_strangers_can_cause_has_no_traceback():
    record = logging.LogRecord("django.security.RequestDataTooBig", 40, "", 1, "too big", None, (None, None, None))
    other = logging.LogRecord("keyhouse.errors", 40, "", 1, "unexpected", None, (None, None, None))
    passed = RefusalsInOneLine()
    assert (passed.filter(record), record.exc_info) == (True, None)
    assert (passed.filter(other), other.exc_info) == (True, (None, None, None))


def raised_by_the_database() -> BaseException:
    """Return a program's error that came of Django's, which came of the database's."""
    words = "Key (email)=(hunter2@example.com) already exists"
    try:
        try:
            try:
                raise psycopg.errors.UniqueViolation(words)
            except psycopg.Error as error:
                raise IntegrityError(words) from error
        except IntegrityError as error:
            raise RuntimeError("no account was made") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_traceback_repeats_a_row(depth: int):
    error = raised_by_the_database()
    for _ in range(depth):
        assert error.__cause__
        error = error.__cause__
    record = logging.LogRecord("django.request", 40, "", 1, "failed", None, (type(error), error, error.__traceback__))
    assert RowsWithheld().filter(record)
    said = logging.Formatter().format(record)
    assert "hunter2" not in said
    assert "UniqueViolation: message withheld" in said
    assert ("RuntimeError: no account was made" in said) == (depth == 0)
    assert "in raised_by_the_database" in said


def test_every_other_traceback_is_as_it_was():
    error = ValueError("broken")
    info = (ValueError, error, None)
    for found in (info, None):
        record = logging.LogRecord("django.request", 40, "", 1, "failed", None, found)
        assert (RowsWithheld().filter(record), record.exc_info, record.exc_text) == (True, found, None)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_operator_chooses_the_level(level: str):
    assert logging_settings(level, as_json=False)["root"]["level"] == level
