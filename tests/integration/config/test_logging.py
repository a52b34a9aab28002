"""Log lines reach standard error from a process that ends at once, as text in development and as JSON in production."""

import json
import logging
import subprocess
import sys

import pytest

from config.logging import RefusalsInOneLine, logging_settings

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


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_operator_chooses_the_level(level: str):
    assert logging_settings(level, as_json=False)["root"]["level"] == level
