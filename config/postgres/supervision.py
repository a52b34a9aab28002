"""Starts the embedded PostgreSQL again when it has ended, for example because it was killed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from config.postgres.embedded_postgres import EmbeddedPostgres
from config.postgres.server_account import EmbeddedPostgresError

logger = logging.getLogger("keyhouse.postgres")

POLL_SECONDS = 0.5
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
        if postgres.is_listening():
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
