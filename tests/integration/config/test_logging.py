"""Log lines reach standard error from a process that ends at once, as text in development and as JSON in production."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import IntegrityError

from config.logging import RowsWithheld, ShortRefusals, logging_settings

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


def lines_of(*, as_json: bool, time_zone: str = "UTC") -> list[str]:
    command = [sys.executable, "-c", PROGRAM.format(as_json=as_json)]
    environment = {**os.environ, "TZ": time_zone}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=environment)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_plain_lines_have_the_traceback():
    lines = lines_of(as_json=False)
    assert lines[0].endswith("INFO    keyhouse.access GET /health")
    assert lines[-1] == "ValueError: broken"


def test_each_line_is_one_json_object():
    access, error = (json.loads(line) for line in lines_of(as_json=True))
    assert (access["message"], access["status"], access["levelname"]) == ("GET /health", 200, "INFO")
    assert "ValueError: broken" in json.dumps(error)


def test_times_are_in_utc_whatever_the_time_zone_of_the_machine():
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    plain = lines_of(as_json=False, time_zone="Pacific/Auckland")[0].split()[0]
    in_json = json.loads(lines_of(as_json=True, time_zone="Pacific/Auckland")[0])["asctime"]
    assert plain.endswith("Z")
    assert in_json.endswith("Z")
    assert before <= datetime.fromisoformat(plain) <= datetime.fromisoformat(in_json) <= datetime.now(UTC)


def test_refusals_of_django_have_no_traceback():
    record = logging.LogRecord("django.security.RequestDataTooBig", 40, "", 1, "too big", None, (None, None, None))
    other = logging.LogRecord("keyhouse.errors", 40, "", 1, "unexpected", None, (None, None, None))
    short = ShortRefusals()
    assert (short.filter(record), record.exc_info) == (True, None)
    assert (short.filter(other), other.exc_info) == (True, (None, None, None))


def raised_by_the_database() -> BaseException:
    """Return a program's error whose cause is Django's, whose cause is the database's."""
    message = "Key (email)=(hunter2@example.com) already exists"
    try:
        try:
            try:
                raise psycopg.errors.UniqueViolation(message)
            except psycopg.Error as error:
                raise IntegrityError(message) from error
        except IntegrityError as error:
            raise RuntimeError("the account was not created") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_traceback_repeats_no_row(depth: int):
    error = raised_by_the_database()
    for _ in range(depth):
        assert error.__cause__
        error = error.__cause__
    record = logging.LogRecord("django.request", 40, "", 1, "failed", None, (type(error), error, error.__traceback__))
    assert RowsWithheld().filter(record)
    formatted = logging.Formatter().format(record)
    assert "hunter2" not in formatted
    assert "UniqueViolation: message withheld" in formatted
    assert ("RuntimeError: the account was not created" in formatted) == (depth == 0)
    assert "in raised_by_the_database" in formatted


def test_other_tracebacks_are_unchanged():
    error = ValueError("broken")
    info = (ValueError, error, None)
    for found in (info, None):
        record = logging.LogRecord("django.request", 40, "", 1, "failed", None, found)
        assert (RowsWithheld().filter(record), record.exc_info, record.exc_text) == (True, found, None)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_level_is_configurable(level: str):
    assert logging_settings(level, as_json=False)["root"]["level"] == level
