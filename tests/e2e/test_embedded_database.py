"""The embedded PostgreSQL beside a running server: it is started again when it is killed, dumped and restored."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from config.postgres.embedded_postgres import EmbeddedPostgres
from tests.support.people import PASSWORD, Person, sign_up
from tests.support.server import ENVIRONMENT, PROJECT, Server, start_server

pytestmark = pytest.mark.e2e

RECOVERY_SECONDS_MAXIMUM = 30.0
KILLS = 2


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the program, which has a database of its own."""
    for name in ("apps", "config"):
        shutil.copytree(PROJECT / name, tmp_path / "project" / name)
    shutil.copy(PROJECT / "manage.py", tmp_path / "project")
    return tmp_path / "project"


def postgres_of(project: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(project / ".keyhouse" / "postgres")


def manage(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a management command of the copy."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=project,
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_killed_postgresql_is_started_again(project: Path, tmp_path: Path):
    postgres = postgres_of(project)
    lock = postgres.directory / "data" / "postmaster.pid"
    with start_server("", tmp_path / "server", project) as server, server.client() as client:
        person = sign_up(client)
        secret = person.create_key()["api_key"]
        for _ in range(KILLS):
            killed = int(lock.read_text().split("\n", 1)[0])
            os.kill(killed, signal.SIGKILL)
            statuses = _statuses_until(lambda: _works(client, server, person, secret))
            assert set(statuses) <= {200, 503}
            assert int(lock.read_text().split("\n", 1)[0]) != killed
        assert client.get("/health/ready").status_code == 200
        assert server.errors.count("PostgreSQL has ended; starting it again") == KILLS
        assert server.stop() == 0
        assert not postgres.is_listening()


def _works(client: httpx.Client, server: Server, person: Person, secret: str) -> list[int]:
    """Return the statuses of a verification, a read and a write."""
    verification = client.post("/api/v1/keys/verify", json={"key": secret}, headers={"X-API-Key": server.service_key})
    read = client.get("/api/v1/users/me", headers=person.headers)
    write = client.patch("/api/v1/users/me", json={"full_name": "Ann"}, headers=person.headers)
    return [verification.status_code, read.status_code, write.status_code]


def _statuses_until(ask: Callable[[], list[int]]) -> list[int]:
    """Ask until every response is 200, and return the statuses of all responses."""
    deadline, statuses = time.monotonic() + RECOVERY_SECONDS_MAXIMUM, list[int]()
    while set(latest := ask()) != {200}:
        assert time.monotonic() < deadline, statuses[-9:]
        statuses += latest
        time.sleep(0.05)
    return [*statuses, *latest]


def test_stalled_postgresql_keeps_its_lock_file(project: Path):
    """Another program finds no response, and must not take the server for a dead one: it would end without the file."""
    with postgres_of(project) as postgres:
        lock = postgres.directory / "data" / "postmaster.pid"
        server = int(lock.read_text().splitlines()[0])
        os.kill(server, signal.SIGSTOP)
        other = threading.Thread(target=_use, args=[postgres_of(project)], daemon=True)
        try:
            other.start()
            other.join(10)
            assert lock.exists()
        finally:
            os.kill(server, signal.SIGCONT)
        other.join(60)
        assert not other.is_alive()
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.timeout(300)  # a dozen programs, one after another
def test_database_is_dumped_restored_and_opened(project: Path, tmp_path: Path):
    dump, broken = tmp_path / "backup.dump", tmp_path / "broken.dump"
    with start_server("", tmp_path / "server", project) as server, server.client() as client:
        kept = sign_up(client)
        assert manage(project, "dump_database", str(dump)).returncode == 0
        assert stat.S_IMODE(dump.stat().st_mode) == 0o600
        lost = sign_up(client)
        refused = manage(project, "restore_database", str(dump), "--replace")
        assert (refused.returncode, "stop the servers first" in refused.stderr) == (1, True)
        server.stop()

    assert "is not empty" in manage(project, "restore_database", str(dump)).stderr
    assert "exists" in manage(project, "dump_database", str(dump)).stderr
    assert "is a directory" in manage(project, "dump_database", str(tmp_path), "--replace").stderr
    broken.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    failed = manage(project, "restore_database", str(broken), "--replace")
    assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1), failed.stderr
    assert _accounts(project) >= {kept.email, lost.email}

    restored = manage(project, "restore_database", str(dump), "--replace")
    assert restored.returncode == 0, restored.stderr
    assert kept.email in _accounts(project)
    assert lost.email not in _accounts(project)
    opened = manage(project, "dbshell", "--", "-c", "SELECT email FROM users")
    assert (opened.returncode, kept.email in opened.stdout) == (0, True), opened.stderr
    with start_server("", tmp_path / "again", project) as server, server.client() as client:
        login = client.post("/api/v1/auth/login", json={"email": kept.email, "password": PASSWORD})
        assert login.status_code == 200
        assert server.stop() == 0


def test_schema_of_another_application_is_not_replaced(project: Path, tmp_path: Path):
    dump = tmp_path / "backup.dump"
    assert manage(project, "dump_database", str(dump)).returncode == 0
    with postgres_of(project) as postgres, psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.others (); CREATE SCHEMA keyhouse")
        connection.execute("ALTER ROLE keyhouse SET search_path = keyhouse")
    refused = manage(project, "restore_database", str(dump), "--replace")
    assert (refused.returncode, "schema keyhouse, not in public" in refused.stderr) == (1, True), refused.stderr
    with postgres_of(project) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT count(*) FROM public.others").fetchall() == [(0,)]


def _use(postgres: EmbeddedPostgres) -> None:
    with postgres:
        pass


def _accounts(project: Path) -> set[str]:
    with postgres_of(project) as postgres, psycopg.connect(postgres.url) as connection:
        return {email for (email,) in connection.execute("SELECT email FROM users").fetchall()}
