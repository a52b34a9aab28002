"""Background jobs continue after failures, and do not delay the server's stop."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable

import pytest
from psycopg import IntegrityError
from psycopg_pool import PoolTimeout

from apps.core.background import background_jobs
from apps.core.background.background_jobs import BackgroundJob, BackgroundRunner
from apps.core.errors import Unavailable
from apps.core.event_loop import run_in_daemon_thread

pytestmark = pytest.mark.unit


class Work:
    """A job with the given outcomes, one per run, and nothing to do afterwards."""

    def __init__(self, *outcomes: Exception | bool) -> None:
        self.outcomes = list(outcomes)
        self.done = 0
        self.idle = asyncio.Event()

    async def run(self) -> bool:
        if not self.outcomes:
            self.idle.set()
            return False
        self.done += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def run_until_idle(work: Work) -> None:
    runner = BackgroundRunner([BackgroundJob("work", work.run, interval_seconds=0.001)])
    await runner.start()
    await asyncio.wait_for(work.idle.wait(), 5)
    await runner.stop()


async def test_job_runs_again_immediately_or_after_its_interval():
    work = Work(True, True, False, True)
    await run_until_idle(work)
    assert work.done == 4


async def test_failure_is_logged_and_job_continues(monkeypatch, caplog):
    monkeypatch.setattr(background_jobs, "FAILURE_INTERVAL_SECONDS", 0.001)
    outage = [PoolTimeout("unavailable"), Unavailable("The database is unavailable. Retry shortly.")]
    work = Work(*outage, ZeroDivisionError("broken"), IntegrityError("row values"), True)
    await run_until_idle(work)
    assert work.done == 5
    logged = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert logged == [
        (logging.WARNING, "work: unavailable: PoolTimeout"),
        (logging.WARNING, "work: unavailable: Unavailable"),
        (logging.ERROR, "unexpected error"),
        (logging.ERROR, "unexpected IntegrityError None"),
    ]
    assert "row values" not in caplog.text


async def stop_while(run: Callable[[], Awaitable[bool]]) -> None:
    runner = BackgroundRunner([BackgroundJob("work", run, interval_seconds=60)])
    await runner.start()
    await asyncio.sleep(0.01)
    await runner.stop()


async def test_running_job_finishes_before_stop():
    steps = []

    async def run() -> bool:
        steps.append("begun")
        await asyncio.sleep(0.05)
        steps.append("finished")
        return True

    await stop_while(run)
    assert steps == ["begun", "finished"]


async def test_long_running_job_is_cancelled_on_stop(monkeypatch):
    monkeypatch.setattr(background_jobs, "GRACE_SECONDS", 0.05)
    cancelled = []

    async def run() -> bool:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return True

    await stop_while(run)
    assert cancelled == [True]


async def test_stop_interrupts_the_pause():
    work = Work()
    await asyncio.wait_for(stop_while(work.run), 5)


async def test_runner_without_jobs_starts_and_stops():
    runner = BackgroundRunner([])
    await runner.start()
    await runner.stop()


async def test_daemon_thread_returns_result_or_raises():
    assert await run_in_daemon_thread(lambda: 7, "seven") == 7
    with pytest.raises(ZeroDivisionError):
        await run_in_daemon_thread(lambda: 1 // 0, "broken")


async def test_daemon_thread_outlives_cancelled_caller():
    release, threads = threading.Event(), []

    def wait() -> None:
        threads.append(threading.current_thread())
        release.wait(10)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run_in_daemon_thread(wait, "waits"), 0.05)
    assert (threads[0].daemon, threads[0].is_alive(), threads[0].name) == (True, True, "waits")
    release.set()
    threads[0].join(5)
    assert not threads[0].is_alive()
