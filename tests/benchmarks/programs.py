"""The servers that are measured, each a process of its own on a free port of the loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx

PROJECT = Path(__file__).parents[2]
HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 20
KEYHOUSE = [sys.executable, "manage.py", "serve"]
CONSTANT_APP = "tests.benchmarks.peers.constant_app:application"
# The same server with the same settings as `manage.py serve` has.
CONSTANT = [
    *(sys.executable, "-m", "granian", CONSTANT_APP, "--interface", "asgi", "--loop", "uvloop"),
    *("--no-ws", "--log-level", "warning"),
]
# Whatever the shell says, all but these are Keyhouse's defaults.
ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "SECRET_KEY": "the-benchmark-s-own-secret-key-which-guards-nothing-at-all",
    "ACCESS_LOG": "false",
    "LOGIN_RATE_LIMIT": "1000000/s",
    "PUBLIC_RATE_LIMIT": "1000000/s",
    **dict.fromkeys(
        ("ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "TRUSTED_PROXIES", "HTTPS_ONLY", "LOG_LEVEL", "DATABASE_POOL_SIZE"),
        "",
    ),
}


class ServerDidNotStart(Exception):
    """Holds what the server said."""


@contextmanager
def keyhouse(database_url: str, log: Path) -> Iterator[int]:
    """Serve Keyhouse on the database, one worker, and give its port."""
    variables = ENVIRONMENT | {"DATABASE_URL": database_url, "HOST": HOST, "WORKERS": "1", "PORT": str(_free_port())}
    with _serving(KEYHOUSE, variables, int(variables["PORT"]), log):
        yield int(variables["PORT"])


@contextmanager
def constant(body: bytes, log: Path) -> Iterator[int]:
    """Serve a constant body from the bare server, one worker, and give its port."""
    port = _free_port()
    command = [*CONSTANT, "--host", HOST, "--port", str(port), "--workers", "1"]
    with _serving(command, {"CONSTANT_BODY": body.decode()}, port, log):
        yield port


@contextmanager
def _serving(command: list[str], variables: dict[str, str], port: int, log: Path) -> Iterator[None]:
    with log.open("w") as output:
        environment = os.environ | variables
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(port):
            return
        time.sleep(0.05)
    raise ServerDidNotStart(log.read_text())


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}/health", trust_env=False).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
