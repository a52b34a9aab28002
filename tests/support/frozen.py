"""A PostgreSQL that is there and does nothing, or is gone from one moment to the next."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from config.postgres.embedded_postgres import EmbeddedPostgres

DIE_SECONDS = 10


@contextmanager
def frozen(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Stop every process of the server where it stands, for the duration."""
    stopped = _processes(postgres)
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def kill(postgres: EmbeddedPostgres) -> None:
    """Kill every process of the server, and return when all are gone."""
    doomed = _processes(postgres)
    for process in doomed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + DIE_SECONDS
    while any(map(_is_alive, doomed)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start_again(postgres: EmbeddedPostgres) -> None:
    """Start the killed server; whoever uses it still does."""
    with EmbeddedPostgres(postgres.directory):
        pass


def _processes(postgres: EmbeddedPostgres) -> list[psutil.Process]:
    postmaster = psutil.Process(_postmaster(postgres.directory))
    # The parent first: it must not start new children meanwhile.
    return [postmaster, *postmaster.children(recursive=True)]


def _postmaster(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
