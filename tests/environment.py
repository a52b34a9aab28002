"""A pytest plugin, loaded before Django's settings: the environment and the database that the tests run on."""

import os
import sys
from pathlib import Path

import pytest

from config.postgres.embedded_postgres import EmbeddedPostgres

STATE_DIRECTORY = Path(__file__).resolve().parent.parent / ".keyhouse"

# With DATABASE_URL set (CI, or an xdist worker whose controller set it) no server is started.
SERVER = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(STATE_DIRECTORY / "test-postgres", durable=False)

if SERVER:
    os.environ["DATABASE_URL"] = SERVER.url
# Dozens of processes start the program: each would compile all of it where Python is told to keep no bytecode.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ["ENVIRONMENT"] = "development"
os.environ["SECRET_KEY"] = "the-tests-own-secret-key-which-guards-nothing-at-all-anywhere"
# Out of the way of tests that are not about it; those that are set their own.
os.environ["LOGIN_RATE_LIMIT"] = "100000/m"
os.environ["PUBLIC_RATE_LIMIT"] = "100000/m"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the tests' own PostgreSQL; the last to leave stops it."""
    if SERVER:
        SERVER.__enter__()
        config.add_cleanup(lambda: SERVER.__exit__(None, None, None))
