"""Freezes, kills and restarts the embedded PostgreSQL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from config.postgres.embedded_postgres import EmbeddedPostgres

DIE_SECONDS = 10


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Suspend all processes of the server inside the block."""
    suspended = _processes(postgres)
    for process in suspended:
        process.suspend()
    try:
        yield
    finally:
        for process in suspended:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def kill(postgres: EmbeddedPostgres) -> None:
    """Kill all processes of the server, and wait until they have ended."""
    killed = _processes(postgres)
    for process in killed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + DIE_SECONDS
    while any(map(_is_alive, killed)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_postmaster(postgres: EmbeddedPostgres) -> None:
    """Kill the first process of the server alone; the others notice, and this waits until they have ended."""
    others = _processes(postgres)
    others[0].kill()
    deadline = time.monotonic() + DIE_SECONDS
    while any(map(_is_alive, others)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start_again(postgres: EmbeddedPostgres) -> None:
    """Start the killed server again. Its users keep it running."""
    with EmbeddedPostgres(postgres.directory):
        pass


def _processes(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    postmaster = psutil.Process(_postmaster(postgres.directory))
    # The parent first, so that it does not start new children.
    return [postmaster, *postmaster.children(recursive=True)]


def _postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
