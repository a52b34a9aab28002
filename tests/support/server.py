"""A Keyhouse server, started by `manage.py serve` in separate processes, as an operator does."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg

from tests.support.migrated_template import migrated_template

PROJECT = Path(__file__).parents[2]
ADMINISTRATOR_EMAIL = "admin@keyhouse.localhost"
START_SECONDS = 60
STOP_SECONDS = 30
ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "LOGIN_RATE_LIMIT": "100000/m",
    "PUBLIC_RATE_LIMIT": "100000/m",
    "ACCESS_LOG": "false",
    "WORKERS": "2",
    "REQUEST_ID_RETRY_SECONDS": "3600",  # some tests retry only after all their load
}


@dataclass(frozen=True)
class Server:
    """A running server: its URLs, its process, and the folder with its output."""

    url: str
    database_url: str
    process: "subprocess.Popen[bytes]"
    directory: Path

    @property
    def output(self) -> str:
        return (self.directory / "stdout").read_text()

    @property
    def errors(self) -> str:
        return (self.directory / "stderr").read_text()

    @property
    def printed_url(self) -> str:
        """The URL of the server as the person who has started it reads it."""
        return self._printed("admin").removesuffix("/admin/")

    @property
    def administrator_password(self) -> str:
        return self._printed("password")

    @property
    def service_key(self) -> str:
        return self._printed("service key")

    @property
    def workers(self) -> list[psutil.Process]:
        """The worker processes, without the supervisor."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in _command_line(child)]

    def client(self, **options: Any) -> httpx.Client:
        """Return a client with persistent connections. The caller closes it."""
        return httpx.Client(base_url=self.url, timeout=30, **options)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def interrupt_like_a_terminal(self) -> int:
        """Send SIGINT to all processes of the server, as Ctrl-C does, and return the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill all processes of the server if it is still running."""
        if self.process.poll() is None:
            for process in [*psutil.Process(self.process.pid).children(recursive=True), self.process]:
                process.kill()
            self.process.wait()

    def _printed(self, label: str) -> str:
        found = re.search(rf"^  {label} +(\S+)$", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.kill()


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""  # the process has ended


def start_server(database_url: str, directory: Path, project: Path = PROJECT, /, **environment: str) -> Server:
    """Start a server on a free port, and wait until it is ready. Use the result as a context manager."""
    server = launch_server(database_url, directory, project, **environment)
    try:
        wait_until(server, _is_ready)
    except BaseException:
        server.kill()
        raise
    return server


def launch_server(database_url: str, directory: Path, project: Path = PROJECT, /, **environment: str) -> Server:
    """Start a server on a free port without waiting for it. Use the result as a context manager.

    Without a URL it runs the embedded PostgreSQL of `project`, a copy of the program.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = {**os.environ, **ENVIRONMENT, "PORT": str(port), "DATABASE_URL": database_url, **environment}
    with (directory / "stdout").open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
        command = [sys.executable, "manage.py", "serve"]
        process = subprocess.Popen(
            command,
            cwd=project,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    return Server(f"http://localhost:{port}", database_url, process, directory)


def wait_until(server: Server, holds: Callable[[Server], bool]) -> None:
    """Wait until the condition holds. Fails if the server ends before."""
    deadline = time.monotonic() + START_SECONDS
    while not holds(server):
        assert server.process.poll() is None, server.errors
        assert time.monotonic() < deadline, server.errors
        time.sleep(0.05)


def is_announced(server: Server) -> bool:
    """Return whether the server has printed its URLs."""
    return "Keyhouse is running" in server.output


def _is_ready(server: Server) -> bool:
    try:
        return is_announced(server) and httpx.get(f"{server.url}/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def separate_database(server_url: str, name: str, *, migrated: bool = True) -> Iterator[str]:
    """Create a database on the server of `server_url`, yield its URL, and drop it at the end.

    It holds what migrations insert, or is empty, for tests of a first start.
    """
    template = migrated_template(server_url) if migrated else "template1"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
