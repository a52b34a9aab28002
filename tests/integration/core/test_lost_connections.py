"""Connections that the server has closed cause no delay, and no error before a transaction has had a result."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import AsyncConnection, OperationalError

from apps.core.database.open_transaction import open_connection
from apps.core.database.pipeline.pipelined_transaction import PipelinedTransaction, pipelined_transaction
from apps.core.database.pipeline.shared_reads import read_rows
from apps.core.database.statements import execute, fetch_rows
from apps.core.database.transaction import transaction
from tests.integration.core.test_connections import PID, kill
from tests.support.orm import run_in_transaction

SECONDS_MAXIMUM = 0.8  # psycopg's pool pauses for 1 s after the second lost connection, and for 2 s after the third
THREADS = 6
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(5)%%' AND pid <> pg_backend_pid()"


async def test_lost_idle_connections_cause_no_pause(database):
    results = await asyncio.gather(*(fetch_rows(f"{PID}, pg_sleep(0.2)") for _ in range(8)))
    pids = {result[0][0] for result in results}
    assert len(pids) > 2
    for pid in pids:
        assert await run_in_transaction(kill, pid)
    started = time.monotonic()
    ((another,),) = await fetch_rows(PID)
    assert another not in pids
    assert time.monotonic() - started < SECONDS_MAXIMUM


def test_lost_idle_connections_of_django_cause_no_pause(database):
    pids = _fill_the_pool_of_django()
    assert len(pids) == THREADS
    with psycopg.connect(**_parameters(), autocommit=True) as other:
        for pid in pids:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    started = time.monotonic()
    connection.close()
    assert _pid() not in pids
    assert time.monotonic() - started < SECONDS_MAXIMUM


def _fill_the_pool_of_django() -> set[int]:
    connection.close()
    barrier = Barrier(THREADS)

    def use(_number: int) -> int:
        try:
            pid = _pid()
            barrier.wait(10)
            return pid
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        return set(threads.map(use, range(THREADS)))


def _pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute(PID)
        return int(cursor.fetchone()[0])


def _parameters() -> dict[str, Any]:
    settings = connection.settings_dict
    return {
        "host": settings["HOST"],
        "port": settings["PORT"] or "5432",
        "user": settings["USER"],
        "dbname": settings["NAME"],
    }


def _kill_connection(borrowed: AsyncConnection[Any]) -> None:
    with psycopg.connect(**_parameters(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [borrowed.info.backend_pid])


def _kill_transaction() -> int:
    """Kill the connection of the open transaction, and return its process id."""
    opened: Any = open_connection()
    _kill_connection(opened._borrowed)
    return int(opened._borrowed.info.backend_pid)


async def test_transaction_that_loses_its_connection_before_a_result_begins_again(database):
    async with transaction():
        lost = _kill_transaction()
        await execute("INSERT INTO rate_limit_counters VALUES ('kept', 1, now())")
        assert await fetch_rows(PID) != [(lost,)]
    assert await fetch_rows("SELECT value FROM rate_limit_counters") == [(1,)]


async def test_transaction_that_loses_its_connection_later_fails_as_a_whole(database):
    with pytest.raises(OperationalError):
        async with transaction():
            await execute("INSERT INTO rate_limit_counters VALUES ('lost', 1, now())")
            _kill_transaction()
            await execute("INSERT INTO rate_limit_counters VALUES ('late', 1, now())")
    assert await fetch_rows("SELECT value FROM rate_limit_counters") == []


async def test_commit_on_a_lost_connection_is_not_repeated(database):
    with pytest.raises(OperationalError):
        async with transaction():
            await execute("INSERT INTO rate_limit_counters VALUES ('lost', 1, now())")
            _kill_transaction()


async def test_batch_that_loses_its_connection_before_a_result_begins_again(database, monkeypatch: pytest.MonkeyPatch):
    used: list[AsyncConnection[Any]] = []
    use = PipelinedTransaction._use

    def observe(self: PipelinedTransaction, borrowed: AsyncConnection[Any]) -> None:
        used.append(borrowed)
        use(self, borrowed)

    monkeypatch.setattr(PipelinedTransaction, "_use", observe)
    async with pipelined_transaction() as opened:
        _kill_connection(used[0])
        ((found,),) = await opened.fetch(("SELECT $1::int", [7]))
    assert (found, len(used)) == ((7,), 2)


async def test_shared_read_that_loses_its_connection_is_repeated(database):
    reading = asyncio.create_task(read_rows("SELECT pg_backend_pid(), pg_sleep(5)", []))
    await asyncio.sleep(0.5)
    sleeping = await fetch_rows(SLEEPING)
    assert await run_in_transaction(kill, sleeping[0][0])
    ((another, _),) = await reading
    assert another != sleeping[0][0]
