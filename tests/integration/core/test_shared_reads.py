"""Reads that share a connection: each gets its own rows or its own error, and nobody waits for what is lost."""

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
from apps.core.database.statements import fetch_rows
from apps.core.errors import Unavailable

LONG = 300_000  # more than a socket takes at once


async def end_connections() -> None:
    """End every other connection of ours that is reading, as a restart of the server does."""
    await fetch_rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE '%%pg_sleep%%'"
    )


async def settle() -> None:
    """Wait until the lines have given their connections back."""
    tasks = [line._task for line in shared_reads._shares[asyncio.get_running_loop()]]
    await asyncio.gather(*filter(None, tasks))


async def test_many_at_once_each_get_their_own(database):
    for _ in range(3):
        answers = await asyncio.gather(*(read_rows("SELECT $1::int, $2", [n, f"é{n}"]) for n in range(500)))
        assert answers == [[(n, f"é{n}")] for n in range(500)]


async def test_reads_what_psycopg_would(database):
    statement = "SELECT {}::int, {}::numeric, {}::timestamptz, {}::text[], {}::bytea, NULL, '[1]'::jsonb"
    values = [2**31 - 1, 1.5, datetime(2026, 1, 1, tzinfo=UTC), ["a", None], b"\0"]
    ours = await read_rows(statement.format(*(f"${n}" for n in range(1, 6))), values)
    assert ours == await fetch_rows(statement.format(*["%s"] * 5), values)
    assert await read_rows("SELECT 1 WHERE false", []) == []


async def test_each_fails_alone(database):
    asked = [read_rows("SELECT 10 / $1::int", [n]) for n in (5, 0, 2)]
    asked += [read_rows("SELECT no_such_column", []), read_rows("SELECT $1::text", ["\0"])]
    asked += [
        read_rows("SELECT $1::int", [object()]),
        read_rows("SELECT '-infinity'::date", []),
        read_rows("SELECT 1", []),
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    expected = [list, psycopg.errors.DivisionByZero, list, psycopg.errors.UndefinedColumn, psycopg.DataError]
    expected += [psycopg.ProgrammingError, psycopg.DataError, list]
    assert [type(answer) for answer in answers] == expected
    assert await asyncio.gather(*(read_rows("SELECT 10 / $1::int", [n]) for n in (5, 2))) == [[(2,)], [(5,)]]


async def test_a_statement_that_is_no_longer_what_it_was_is_prepared_anew(database):
    await fetch_rows("CREATE TABLE changing (a int)")
    try:
        await read_rows("SELECT * FROM changing", [])
        await settle()
        await fetch_rows("ALTER TABLE changing ADD b int")
        await fetch_rows("INSERT INTO changing VALUES (1, 2)")
        found: list[Any] = []
        for _ in range(5):
            found += await asyncio.gather(read_rows("SELECT * FROM changing", []), return_exceptions=True)
        refused = [one for one in found if isinstance(one, psycopg.errors.FeatureNotSupported)]
        assert len(refused) <= 1  # by a connection that knew the statement as it was
        assert [one for one in found if one not in refused] == [[(1, 2)]] * (5 - len(refused))
    finally:
        await fetch_rows("DROP TABLE changing")


async def test_large_questions_and_answers_pass(database):
    texts = [f"{n}" * LONG for n in range(8)]
    answers = await asyncio.gather(*(read_rows("SELECT $1::text", [text]) for text in texts))
    assert answers == [[(text,)] for text in texts]


async def test_the_connections_go_back_as_they_were(database):
    await asyncio.gather(*(read_rows("SELECT $1::int", [n]) for n in range(50)))
    await settle()
    async with AsyncExitStack() as stack:
        for _ in range(settings.DATABASE_POOL_SIZE):
            borrowed = await stack.enter_async_context(connection())
            assert borrowed.pgconn.pipeline_status == psycopg.pq.PipelineStatus.OFF
            async with borrowed.transaction():
                await borrowed.execute("SELECT 1")


async def test_whoever_leaves_hinders_nobody(database):
    staying = [asyncio.ensure_future(read_rows("SELECT 1, pg_sleep(0.05)::text", [])) for _ in range(4)]
    leaving = [asyncio.ensure_future(read_rows("SELECT 2, pg_sleep(0.05)::text", [])) for _ in range(4)]
    await asyncio.sleep(0.06)
    for task in leaving:
        task.cancel()
    assert await asyncio.gather(*staying) == [[(1, "")]] * 4
    assert all(
        isinstance(error, asyncio.CancelledError) for error in await asyncio.gather(*leaving, return_exceptions=True)
    )
    assert await read_rows("SELECT 3", []) == [(3,)]


async def test_a_slow_read_holds_up_its_own_line_alone(database):
    slow = asyncio.ensure_future(read_rows("SELECT pg_sleep(1)::text", []))
    await asyncio.sleep(0.05)
    for _ in range(20):
        await asyncio.wait_for(read_rows("SELECT 1", []), 0.9)
    assert not slow.done()
    await slow


async def test_a_lost_connection_is_told_to_all_who_wait_and_the_next_gets_another(database):
    line = SharedReads()
    for _ in range(3):
        waiting = [asyncio.ensure_future(line.fetch("SELECT pg_sleep(5)::text", [])) for _ in range(20)]
        await asyncio.sleep(0.1)
        await end_connections()
        answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 3)
        assert {isinstance(answer, psycopg.OperationalError) for answer in answers} == {True}
        assert await asyncio.wait_for(line.fetch("SELECT 1", []), 3) == [(1,)]


async def test_no_connection_is_told_to_all_who_wait(database, monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        raise psycopg.OperationalError("away")

    line = SharedReads()
    with monkeypatch.context() as patched:
        patched.setattr(shared_reads, "connection", away)
        answers = await asyncio.gather(*(line.fetch("SELECT 1", []) for _ in range(5)), return_exceptions=True)
        assert [str(answer) for answer in answers] == ["away"] * 5
    assert await line.fetch("SELECT 1", []) == [(1,)]


async def test_no_more_wait_than_the_bound(database, monkeypatch):
    monkeypatch.setattr(shared_reads, "WAITING_MAXIMUM", 5)
    line = SharedReads()
    asked = [asyncio.ensure_future(line.fetch("SELECT pg_sleep(0.2)", [])) for _ in range(8)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [list] * 5 + [Unavailable] * 3
    assert await line.fetch("SELECT 1", []) == [(1,)]
