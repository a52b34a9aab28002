"""Starts the embedded PostgreSQL again when it has ended, for example because it was killed."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from config.postgres.embedded_postgres import EmbeddedPostgres
from config.postgres.server_account import EmbeddedPostgresError

logger = logging.getLogger("keyhouse.postgres")

POLL_SECONDS = 0.5
CONNECT_SECONDS = 2
PAUSE_SECONDS_MAXIMUM = 30.0  # between attempts to start a server that does not start


@contextmanager
def supervised(postgres: EmbeddedPostgres | None) -> Iterator[None]:
    """Start the server again whenever it ends inside the block; without one do nothing."""
    if postgres is None:
        yield
        return
    stopping = Event()
    watch = Thread(target=_watch, args=[postgres, stopping], name="PostgreSQL watch", daemon=True)
    watch.start()
    try:
        yield
    finally:
        stopping.set()
        watch.join()


def _watch(postgres: EmbeddedPostgres, stopping: Event) -> None:
    pause = POLL_SECONDS
    while not stopping.wait(pause):
        if is_listening(postgres.socket):
            pause = POLL_SECONDS
            continue
        logger.error("PostgreSQL has ended; starting it again")
        try:
            postgres.ensure_running()
        except (EmbeddedPostgresError, OSError) as error:
            pause = min(2 * pause, PAUSE_SECONDS_MAXIMUM)
            logger.error("PostgreSQL does not start; the next attempt is in %.0f s: %s", pause, error)  # noqa: TRY400
        else:
            logger.warning("PostgreSQL runs again")


def is_listening(path: Path) -> bool:
    """Return whether a process listens on the socket. A server that only does not respond is not a dead one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True
