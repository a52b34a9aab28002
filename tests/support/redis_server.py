"""A Redis server for tests, with a password and without persistence."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
import redis

from tests.support.server import free_port

NAMES = ("redis-server", "valkey-server")
MISSING = "the tests of CACHE_URL need redis-server or valkey-server on PATH; on Debian: apt-get install redis-server"
PASSWORD = "cache-hunter2"
START_SECONDS = 10


class RedisServer:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, directory: Path) -> None:
        self._program = _program()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, and wait until it responds."""
        settings = {"port": self.port, "bind": "127.0.0.1", "requirepass": PASSWORD, "save": "", "dir": self._directory}
        command = [self._program, *(part for name, value in settings.items() for part in (f"--{name}", str(value)))]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._responds():
            assert self._process.poll() is None, "redis-server has ended"
            assert time.monotonic() < deadline, "redis-server does not respond"
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill the server if it is running."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Suspend the server inside the block: it accepts connections but does not respond."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def client(self) -> "redis.Redis":
        """Return a new client. The caller closes it."""
        return redis.Redis.from_url(self.url)

    def _responds(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


def _program() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail(MISSING)
    pytest.skip(MISSING)
