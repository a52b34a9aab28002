"""The embedded PostgreSQL survives whatever is killed."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from config.postgres.server_account import account_for
from tests.integration.config.servers import ask, embedded, is_running, kill, popen, postmaster, remember


def test_a_killed_user_leaves_the_server_to_the_next(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
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


def test_a_killed_server_comes_back_with_its_rows(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    user = use()
    remember(directory, 7)
    kill(postmaster(directory))
    user.kill()
    user.wait()

    with embedded(directory):
        assert ask(directory, "SELECT value FROM memory") == 7


def test_a_second_user_starts_a_killed_server_again(directory: Path, use: Callable[[], subprocess.Popen[str]]) -> None:
    use()
    kill(postmaster(directory))

    with embedded(directory):
        assert is_running(directory)


def test_another_process_with_the_old_pid_does_not_fool_it(
    directory: Path, use: Callable[[], subprocess.Popen[str]]
) -> None:
    user = use()
    server = postmaster(directory)
    kill(server)
    user.kill()
    user.wait()
    owner = account_for(directory / "data")
    command = ["sleep", "60"]
    with subprocess.Popen(command, user=owner.uid if os.geteuid() == 0 else None) as stranger:
        for lock in (directory / "data" / "postmaster.pid", directory / "run" / ".s.PGSQL.5432.lock"):
            lock.write_text(lock.read_text().replace(str(server), str(stranger.pid), 1))

        with embedded(directory):
            assert is_running(directory)

        assert stranger.poll() is None
        stranger.kill()


def test_an_interrupted_first_start_is_done_over(directory: Path) -> None:
    with popen(directory) as user:
        while not list(directory.glob("initdb-*/PG_VERSION")):
            time.sleep(0.01)
        user.kill()
    assert not (directory / "data").exists()

    with embedded(directory):
        assert is_running(directory)
        assert not list(directory.glob("initdb-*"))
