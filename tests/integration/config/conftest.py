"""PostgreSQL servers that are stopped after each test."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.config.servers import is_running, popen, postmaster


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for one server, which is stopped after the test, passed or failed."""
    path = tmp_path / "postgres"
    yield path
    if is_running(path):
        os.kill(postmaster(path), signal.SIGQUIT)


@pytest.fixture
def use(directory: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start another process that uses the server until its input ends."""
    with ExitStack() as users:

        def start() -> subprocess.Popen[str]:
            user = users.enter_context(popen(directory))
            users.callback(user.kill)
            assert user.stdout is not None
            assert user.stdout.readline() == "up\n"
            return user

        yield start
