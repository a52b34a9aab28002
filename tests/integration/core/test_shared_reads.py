"""Reads that share a connection: each gets its own rows or error, and none waits for a lost connection."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.conf import settings

from apps.core.database.pipeline import shared_reads
from apps.core.database.pipeline.shared_reads import SharedReads, read_rows
from apps.core.database.pool import connection
from apps.core.database.statements import execute, fetch_rows
from apps.core.errors import Unavailable

LONG = 300_000  # more than the socket buffer holds


async def end_connections() -> None:
    """Terminate all other connections that run a read, as a restart of the server does."""
    await fetch_rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE '%%pg_sleep%%'"
    )


async def settle() -> None:
    """Wait until the shared connections have been returned."""
    tasks = [shared._task for shared in shared_reads._shared[asyncio.get_running_loop()]]
    await asyncio.gather(*filter(None, tasks))


async def test_concurrent_reads_get_their_own_rows(database):
    for _ in range(3):
        results = await asyncio.gather(*(read_rows("SELECT $1::int, $2", [n, f"é{n}"]) for n in range(500)))
        assert results == [[(n, f"é{n}")] for n in range(500)]


async def test_shared_read_returns_the_same_values_as_psycopg(database):
    statement = "SELECT {}::int, {}::numeric, {}::timestamptz, {}::text[], {}::bytea, NULL, '[1]'::jsonb"
    values = [2**31 - 1, 1.5, datetime(2026, 1, 1, tzinfo=UTC), ["a", None], b"\0"]
    ours = await read_rows(statement.format(*(f"${n}" for n in range(1, 6))), values)
    assert ours == await fetch_rows(statement.format(*["%s"] * 5), values)
    assert await read_rows("SELECT 1 WHERE false", []) == []


async def test_each_read_fails_independently(database):
    reads = [read_rows("SELECT 10 / $1::int", [n]) for n in (5, 0, 2)]
    reads += [read_rows("SELECT no_such_column", []), read_rows("SELECT $1::text", ["\0"])]
    reads += [
        read_rows("SELECT $1::int", [object()]),
        read_rows("SELECT '-infinity'::date", []),
        read_rows("SELECT 1", []),
    ]
    results = await asyncio.gather(*reads, return_exceptions=True)
    expected = [list, psycopg.errors.DivisionByZero, list, psycopg.errors.UndefinedColumn, psycopg.DataError]
    expected += [psycopg.ProgrammingError, psycopg.DataError, list]
    assert [type(result) for result in results] == expected
    assert await asyncio.gather(*(read_rows("SELECT 10 / $1::int", [n]) for n in (5, 2))) == [[(2,)], [(5,)]]


async def test_stale_statement_is_prepared_again_in_shared_reads(database):
    await fetch_rows("CREATE TABLE changing (a int)")
    try:
        await read_rows("SELECT * FROM changing", [])
        await settle()
        await fetch_rows("ALTER TABLE changing ADD b int")
        await fetch_rows("INSERT INTO changing VALUES (1, 2)")
        found: list[Any] = []
        for _ in range(5):
            found += await asyncio.gather(read_rows("SELECT * FROM changing", []), return_exceptions=True)
        refused = [one for one in found if isinstance(one, Unavailable)]
        assert len(refused) == 1  # on a connection that had prepared the statement before the change
        assert [one for one in found if one not in refused] == [[(1, 2)]] * (5 - len(refused))
    finally:
        await fetch_rows("DROP TABLE changing")


async def test_statement_of_the_pool_that_is_stale_is_unavailable_once_per_connection(database):
    await execute("CREATE TABLE changing (a int)")
    try:
        for _ in range(20):  # psycopg prepares what it runs several times
            await fetch_rows("SELECT * FROM changing")
        await execute("ALTER TABLE changing ADD b int")
        outcomes = [await changed_row() for _ in range(8)]
    finally:
        await execute("DROP TABLE changing")
    assert 1 <= outcomes.count("unavailable") <= 2  # the pool has opened one or two connections
    assert outcomes[-2:] == ["read", "read"]


async def changed_row() -> str:
    try:
        await fetch_rows("SELECT * FROM changing")
    except Unavailable:
        return "unavailable"
    return "read"


async def test_large_parameters_and_rows(database):
    texts = [f"{n}" * LONG for n in range(8)]
    results = await asyncio.gather(*(read_rows("SELECT $1::text", [text]) for text in texts))
    assert results == [[(text,)] for text in texts]


async def test_connections_are_returned_in_their_original_state(database):
    await asyncio.gather(*(read_rows("SELECT $1::int", [n]) for n in range(50)))
    await settle()
    async with AsyncExitStack() as stack:
        for _ in range(settings.DATABASE_POOL_SIZE):
            borrowed = await stack.enter_async_context(connection())
            assert borrowed.pgconn.pipeline_status == psycopg.pq.PipelineStatus.OFF
            async with borrowed.transaction():
                await borrowed.execute("SELECT 1")


async def test_cancelled_reads_do_not_affect_others(database):
    kept = [asyncio.ensure_future(read_rows("SELECT 1, pg_sleep(0.05)::text", [])) for _ in range(4)]
    cancelled = [asyncio.ensure_future(read_rows("SELECT 2, pg_sleep(0.05)::text", [])) for _ in range(4)]
    await asyncio.sleep(0.06)
    for task in cancelled:
        task.cancel()
    assert await asyncio.gather(*kept) == [[(1, "")]] * 4
    assert all(
        isinstance(error, asyncio.CancelledError) for error in await asyncio.gather(*cancelled, return_exceptions=True)
    )
    assert await read_rows("SELECT 3", []) == [(3,)]


@pytest.mark.parametrize("number", [1, 3])
async def test_reads_that_are_all_cancelled_before_they_are_sent_do_not_block_later_ones(database, number: int):
    shared = SharedReads()
    assert await shared.fetch("SELECT 1", []) == [(1,)]
    cancelled = [asyncio.create_task(shared.fetch("SELECT 2", [])) for _ in range(number)]
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)
    assert await asyncio.wait_for(shared.fetch("SELECT 3", []), 3) == [(3,)]
    if shared._task is not None:
        await asyncio.wait_for(shared._task, 3)  # the connection is returned
    assert (len(shared), shared._task) == (0, None)
    assert await asyncio.wait_for(shared.fetch("SELECT 4", []), 3) == [(4,)]


async def test_slow_read_delays_only_its_own_connection(database):
    slow = asyncio.ensure_future(read_rows("SELECT pg_sleep(1)::text", []))
    await asyncio.sleep(0.05)
    for _ in range(20):
        await asyncio.wait_for(read_rows("SELECT 1", []), 0.9)
    assert not slow.done()
    await slow


async def test_connection_that_is_lost_twice_fails_all_waiting_reads(database):
    shared = SharedReads()
    for _ in range(3):
        waiting = [asyncio.ensure_future(shared.fetch("SELECT pg_sleep(5)::text", [])) for _ in range(20)]
        for _ in range(2):  # after the first loss they are repeated
            await asyncio.sleep(0.5)
            await end_connections()
        results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 3)
        assert {isinstance(result, psycopg.OperationalError) for result in results} == {True}
        assert await asyncio.wait_for(shared.fetch("SELECT 1", []), 3) == [(1,)]


async def test_missing_connection_fails_all_waiting_reads(database, monkeypatch: pytest.MonkeyPatch):
    def no_connection() -> None:
        raise psycopg.OperationalError("unavailable")

    shared = SharedReads()
    with monkeypatch.context() as patched:
        patched.setattr(shared_reads, "connection", no_connection)
        results = await asyncio.gather(*(shared.fetch("SELECT 1", []) for _ in range(5)), return_exceptions=True)
        assert [str(result) for result in results] == ["unavailable"] * 5
    assert await shared.fetch("SELECT 1", []) == [(1,)]


async def test_waiting_reads_are_limited(database, monkeypatch):
    monkeypatch.setattr(shared_reads, "WAITING_MAXIMUM", 5)
    shared = SharedReads()
    reads = [asyncio.ensure_future(shared.fetch("SELECT pg_sleep(0.2)", [])) for _ in range(8)]
    results = await asyncio.gather(*reads, return_exceptions=True)
    assert [type(result) for result in results] == [list] * 5 + [Unavailable] * 3
    assert await shared.fetch("SELECT 1", []) == [(1,)]
