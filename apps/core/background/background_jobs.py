"""Recurring work that runs on the server's event loop beside the requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from apps.core.database.database_errors import DATABASE_UNAVAILABLE, log_unexpected
from apps.core.errors import Unavailable

logger = logging.getLogger("keyhouse.background")
# How long running jobs may take to finish when the server stops. Another worker claims cancelled work again.
GRACE_SECONDS = 2
FAILURE_INTERVAL_SECONDS = 5


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """A job that every worker of every server runs repeatedly while it serves.

    `run` does a bounded part of the due work, and returns whether more may be due immediately; otherwise it is called
    again after `interval_seconds`. Many workers run the job at the same time, and any of them may be killed: `run`
    claims its work in the database, in one statement that skips claimed rows (SKIP LOCKED), and claims expire.
    """

    name: str
    run: Callable[[], Awaitable[bool]]
    interval_seconds: float


class BackgroundRunner:
    """Starts and stops the jobs. A job that fails is retried after FAILURE_INTERVAL_SECONDS."""

    def __init__(self, jobs: Sequence[BackgroundJob]) -> None:
        self._jobs = jobs
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the jobs without waiting for them."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """Stop the jobs. A running job may take GRACE_SECONDS to finish, then it is cancelled."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _repeat(self, job: BackgroundJob) -> None:
        while not self._stopping.is_set():
            try:
                pause_seconds = 0 if await job.run() else job.interval_seconds
            except (*DATABASE_UNAVAILABLE, Unavailable) as error:  # in an outage, transactions raise Unavailable
                logger.warning("%s: unavailable: %s", job.name, type(error).__name__)
                pause_seconds = FAILURE_INTERVAL_SECONDS
            except Exception as error:  # noqa: BLE001  logged in full; the next run may succeed
                log_unexpected(error)
                pause_seconds = FAILURE_INTERVAL_SECONDS
            await self._pause(pause_seconds)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
