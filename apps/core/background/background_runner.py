"""Runs the background jobs on the server's event loop."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from apps.core.background.background_job import BackgroundJob
from apps.core.database.unavailable import DATABASE_UNAVAILABLE
from apps.core.database.unexpected_errors import log_unexpected

logger = logging.getLogger("keyhouse.background")

# How long work under way may take to finish when the server stops. What is cut off is claimed again by another.
GRACE_SECONDS = 2
REST_AFTER_FAILURE_SECONDS = 5


class BackgroundRunner:
    """Begins the jobs and ends them. A job that fails rests, then goes on: nothing ends it but the server."""

    def __init__(self, jobs: Sequence[BackgroundJob]) -> None:
        self._jobs = jobs
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin the jobs; does not wait for any."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """Let each finish what it is doing, within GRACE_SECONDS."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _repeat(self, job: BackgroundJob) -> None:
        while not self._stopping.is_set():
            try:
                rest_seconds = 0 if await job.run() else job.interval_seconds
            except DATABASE_UNAVAILABLE as error:
                logger.warning("%s waits for the database: %s", job.name, type(error).__name__)
                rest_seconds = REST_AFTER_FAILURE_SECONDS
            except Exception as error:  # noqa: BLE001  logged in full; the next turn may go well
                log_unexpected(error)
                rest_seconds = REST_AFTER_FAILURE_SECONDS
            await self._rest(rest_seconds)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
