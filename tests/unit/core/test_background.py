"""Jobs beside the requests: nothing ends them but the server, and they do not hold it."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable

import pytest
from psycopg import IntegrityError
from psycopg_pool import PoolTimeout

from apps.core.background import background_runner
from apps.core.background.background_job import BackgroundJob
from apps.core.background.background_runner import BackgroundRunner
from apps.core.event_loop.daemon_thread import run_in_daemon_thread

pytestmark = pytest.mark.unit


class Work:
    """A job that does what it is told in turn, and then has nothing more to do."""

    def __init__(self, *turns: Exception | bool) -> None:
        self.turns = list(turns)
        self.done = 0
        self.idle = asyncio.Event()

    async def run(self) -> bool:
        if not self.turns:
            self.idle.set()
            return False
        self.done += 1
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn


async def run_until_idle(work: Work) -> None:
    runner = BackgroundRunner([BackgroundJob("work", work.run, interval_seconds=0.001)])
    await runner.start()
    await asyncio.wait_for(work.idle.wait(), 5)
    await runner.stop()


async def test_goes_on_while_there_is_more_and_looks_again_later():
    work = Work(True, True, False, True)
    await run_until_idle(work)
    assert work.done == 4


async def test_a_failure_is_logged_and_the_next_turn_comes(monkeypatch, caplog):
    monkeypatch.setattr(background_runner, "REST_AFTER_FAILURE_SECONDS", 0.001)
    work = Work(PoolTimeout("away"), ZeroDivisionError("broken"), IntegrityError("row values"), True)
    await run_until_idle(work)
    assert work.done == 4
    said = [(line.levelno, line.getMessage()) for line in caplog.records]
    assert said == [
        (logging.WARNING, "work waits for the database: PoolTimeout"),
        (logging.ERROR, "unexpected error"),
        (logging.ERROR, "unexpected IntegrityError None"),
    ]
    assert "row values" not in caplog.text


async def stop_while(run: Callable[[], Awaitable[bool]]) -> None:
    runner = BackgroundRunner([BackgroundJob("work", run, interval_seconds=60)])
    await runner.start()
    await asyncio.sleep(0.01)
    await runner.stop()


async def test_work_under_way_is_finished_before_the_server_stops():
    steps = []

    async def run() -> bool:
        steps.append("begun")
        await asyncio.sleep(0.05)
        steps.append("finished")
        return True

    await stop_while(run)
    assert steps == ["begun", "finished"]


async def test_work_that_takes_long_is_cut_off(monkeypatch):
    monkeypatch.setattr(background_runner, "GRACE_SECONDS", 0.05)
    cut_off = []

    async def run() -> bool:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cut_off.append(True)
            raise
        return True

    await stop_while(run)
    assert cut_off == [True]


async def test_resting_ends_at_once():
    work = Work()
    await asyncio.wait_for(stop_while(work.run), 5)


async def test_without_jobs_there_is_nothing_to_stop():
    runner = BackgroundRunner([])
    await runner.start()
    await runner.stop()


async def test_a_thread_gives_back_what_it_made_or_raised():
    assert await run_in_daemon_thread(lambda: 7, "seven") == 7
    with pytest.raises(ZeroDivisionError):
        await run_in_daemon_thread(lambda: 1 // 0, "broken")


async def test_a_thread_outlives_who_waited_and_does_not_hold_the_process():
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
