"""A worker's check of its cached records, while the server behind its connection restarts, crashes or is replaced.

With a pooler, the worker's connection outlives all of this: only the check can tell.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from apps.verification.repositories.record_changes import TRIGGERS
from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.record_reader import ALL, NOTHING, Reader
from tests.support.server import ENVIRONMENT, PROJECT

pytestmark = pytest.mark.e2e

SECONDS_MAXIMUM = 30.0
ALWAYS = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'record_changes%' AND tgenabled = 'A'"


def manage(url: str, *arguments: str) -> None:
    environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": url}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def postgres(tmp_path: Path) -> EmbeddedPostgres:
    """A server of its own with a migrated database, stopped."""
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        manage(server.url, "migrate", "--verbosity", "0")
    return server


@contextmanager
def reconnected(reader: Reader, url: str) -> Iterator[Reader]:
    """Let the reader go on with another connection, as soon as the server accepts one."""
    deadline = time.monotonic() + SECONDS_MAXIMUM
    while True:
        try:
            reader.opened = psycopg.connect(url, autocommit=True)
            break
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with reader.opened:
        yield reader


def until_it_is_closed(opened: "psycopg.Connection[Any]") -> None:
    """Wait until the server has closed the connection."""
    deadline = time.monotonic() + SECONDS_MAXIMUM
    with suppress(psycopg.OperationalError):
        while time.monotonic() < deadline:
            opened.execute("SELECT 1")
            time.sleep(0.01)
    assert opened.closed


@contextmanager
def started(url: str) -> Iterator[Reader]:
    """Yield a reader that has seen everything until now."""
    with psycopg.connect(url, autocommit=True) as opened:
        reader = Reader(opened)
        assert [reader.check(), reader.check()] == [ALL, NOTHING]
        yield reader


def test_a_crash_within_a_running_server_is_noticed(postgres: EmbeddedPostgres):
    # The server's start stays the same, but ids of transactions that had not reached the disk are given again.
    with postgres, started(postgres.url) as reader:
        begin = "SELECT pg_postmaster_start_time()"
        before = reader.opened.execute(begin).fetchall()
        with psycopg.connect(postgres.url, autocommit=True) as other:
            os.kill(reader.opened.info.backend_pid, signal.SIGKILL)
            until_it_is_closed(other)  # before, the server would accept a connection, and close it too
        with reconnected(reader, postgres.url):
            assert reader.opened.execute(begin).fetchall() == before
            assert [reader.check(), reader.check()] == [ALL, NOTHING]


def test_a_restart_is_noticed(postgres: EmbeddedPostgres):
    with postgres, started(postgres.url) as reader:
        pass
    with postgres, reconnected(reader, postgres.url):
        assert [reader.check(), reader.check()] == [ALL, NOTHING]


def test_nothing_is_cached_on_a_standby_and_its_promotion_is_noticed(postgres: EmbeddedPostgres):
    (postgres.directory / "data" / "standby.signal").touch()
    with postgres, psycopg.connect(postgres.url, autocommit=True) as opened:
        reader = Reader(opened)
        assert [reader.check(), reader.check()] == [ALL, ALL]
        opened.execute("SELECT pg_promote()")
        assert [reader.check(), reader.check()] == [ALL, NOTHING]


@pytest.mark.timeout(300)
def test_a_restored_database_is_noticed_and_watched(postgres: EmbeddedPostgres, tmp_path: Path):
    dump = tmp_path / "backup.dump"
    with postgres:
        with started(postgres.url) as reader:
            reader.opened.execute("UPDATE plans SET name = name || '2'")
            assert reader.check() == ALL
        manage(postgres.url, "dump_database", str(dump))
        manage(postgres.url, "restore_database", str(dump), "--replace")
        with reconnected(reader, postgres.url):
            assert reader.opened.execute("SELECT count(*) FROM record_changes").fetchall() == [(0,)]
            assert reader.opened.execute(ALWAYS).fetchall() == [(len(TRIGGERS),)]
            assert [reader.check(), reader.check()] == [ALL, NOTHING]
            reader.opened.execute("UPDATE plans SET name = name || '2'")
            assert [reader.check(), reader.check()] == [ALL, NOTHING]


def test_another_database_of_the_same_server_is_noticed(postgres: EmbeddedPostgres):
    # A copy has the same ids of tables and triggers.
    with postgres:
        with started(postgres.url) as reader:
            name = reader.opened.info.dbname
        beside, copy = (urlsplit(postgres.url)._replace(path=f"/{path}").geturl() for path in ("postgres", "copied"))
        with psycopg.connect(beside, autocommit=True) as opened:
            opened.execute(f'CREATE DATABASE copied TEMPLATE "{name}"')
        with reconnected(reader, copy):
            assert [reader.check(), reader.check()] == [ALL, NOTHING]
