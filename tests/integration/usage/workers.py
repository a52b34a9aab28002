"""Other processes, threads and connections that work on the tests' database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from tests.support.server import PROJECT

SCRIPT = """
import asyncio, django
django.setup()
from {module} import {factory}
asyncio.run({factory}().{method}())
"""


class Worker:
    """A process that runs one method of a service once."""

    process: "subprocess.Popen[bytes]"

    def __init__(self, script: str) -> None:
        self._script = script

    def start(self) -> None:
        """Start the process."""
        environment = {**os.environ, "DATABASE_URL": _address(), "DJANGO_SETTINGS_MODULE": "config.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", self._script], cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        """Kill the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@contextmanager
def worker_process(factory: str, method: str) -> Iterator[Worker]:
    """Yield a worker that runs `method` of what `factory` returns, and is ended after the block."""
    module, _, name = factory.rpartition(".")
    worker = Worker(SCRIPT.format(module=module, factory=name, method=method))
    try:
        yield worker
    finally:
        worker.kill()


def other_connection() -> "psycopg.Connection[Any]":
    """Return a connection to the tests' database."""
    return psycopg.connect(_address(), autocommit=True)


@contextmanager
def in_thread() -> Iterator[None]:
    """Close Django's connection of the thread after the block."""
    try:
        yield
    finally:
        connection.close()


def _address() -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
