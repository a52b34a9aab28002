"""The embedded PostgreSQL recovers when its server or a process that uses it is killed."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from config.postgres.server_account import account_for
from tests.integration.config.servers import ask, embedded, is_running, kill, popen, postmaster, remember


def test_next_process_takes_over_after_a_kill(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    user = use()
    server = postmaster(directory)
    user.kill()
    user.wait()
    assert is_running(directory)
    with (directory / "users.lock").open() as users:  # the server has not inherited it
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with embedded(directory):
        assert postmaster(directory) == server

    assert not is_running(directory)


def test_rows_survive_a_killed_server(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    user = use()
    remember(directory, 7)
    kill(postmaster(directory))
    user.kill()
    user.wait()

    with embedded(directory):
        assert ask(directory, "SELECT value FROM memory") == 7


def test_second_process_restarts_a_killed_server(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    use()
    kill(postmaster(directory))

    with embedded(directory):
        assert is_running(directory)


def test_reused_process_id_in_lock_files_is_ignored(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    user = use()
    server = postmaster(directory)
    kill(server)
    user.kill()
    user.wait()
    owner = account_for(directory / "data")
    command = ["sleep", "60"]
    with subprocess.Popen(command, user=owner.uid if os.geteuid() == 0 else None) as other:
        for lock in (directory / "data" / "postmaster.pid", directory / "run" / ".s.PGSQL.5432.lock"):
            lock.write_text(lock.read_text().replace(str(server), str(other.pid), 1))

        with embedded(directory):
            assert is_running(directory)

        assert other.poll() is None
        other.kill()


def test_interrupted_first_start_is_repeated(directory: Path) -> None:
    with popen(directory) as user:
        while not list(directory.glob("initdb-*/PG_VERSION")):
            time.sleep(0.01)
        user.kill()
    assert not (directory / "data").exists()

    with embedded(directory):
        assert is_running(directory)
        assert not list(directory.glob("initdb-*"))
