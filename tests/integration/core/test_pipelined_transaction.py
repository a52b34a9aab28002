"""A pipelined transaction is atomic, and leaves its connection usable."""

import asyncio
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg.pq import PipelineStatus

from apps.core.database import pool
from apps.core.database.parameters import NumberedStatement, array_of_texts, binary_bigints
from apps.core.database.pipeline import pipelined_transaction as pipelined_transaction_module
from apps.core.database.pipeline.pipelined_transaction import PipelinedTransaction, pipelined_transaction
from apps.core.database.statements import fetch_rows

pytestmark = pytest.mark.integration

ADD = "INSERT INTO login_attempts (account_digest, client_address, failures, last_failed_at) VALUES ('x', $1, 1, now())"
ADDRESSES = "SELECT client_address FROM login_attempts ORDER BY client_address"
SERVER_PROCESS = "SELECT pg_backend_pid()"
LARGE = "SELECT repeat('x', 1000000), $1::text"


async def add(*addresses: str, error: Exception | None = None) -> None:
    async with pipelined_transaction() as transaction:
        assert await transaction.fetch(("SELECT 1", [])) == [[(1,)]]
        for address in addresses:
            transaction.send(ADD, [address])
        assert await fetch_rows(ADDRESSES) == []
        if error:
            raise error


async def server_process() -> int:
    async with pipelined_transaction() as transaction:
        [[(process,)]] = await transaction.fetch((SERVER_PROCESS, []))
    return int(process)


async def test_connection_stays_between_transactions(database):
    assert len({await server_process() for _ in range(3)}) == 1


async def test_transactions_at_once_have_their_own_connections(database):
    async with pipelined_transaction() as outer:
        [[(first,)]] = await outer.fetch((SERVER_PROCESS, []))
        seconds = {await server_process() for _ in range(2)}
    assert len(seconds) == 1
    assert first not in seconds
    assert {await server_process() for _ in range(4)} == {first}


async def test_lost_idle_connection_is_not_used_again(database):
    async with pipelined_transaction() as kept:
        [[(lost,)]] = await kept.fetch((SERVER_PROCESS, []))
    await fetch_rows("SELECT pg_terminate_backend(%s, 5000)", [lost])
    async with asyncio.timeout(5):
        while kept.is_reusable:  # noqa: ASYNC110  the event loop notices it
            await asyncio.sleep(0.005)
    assert await server_process() != lost


async def test_connection_goes_back_to_the_pool_now_and_then(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipelined_transaction_module, "KEPT_SECONDS_MAXIMUM", 0)
    # The pool lends the one that was returned first, so all of its connections are used in turn.
    assert len({await server_process() for _ in range(20)}) > 1


async def test_kept_connections_go_back_before_the_pools_close(database):
    async with pipelined_transaction() as kept:
        await kept.fetch((SERVER_PROCESS, []))
    await pool.close_pools()
    assert kept._pgconn.pipeline_status == PipelineStatus.OFF
    async with pipelined_transaction() as another:
        assert another is not kept


async def test_sent_statements_are_committed_at_the_end_of_the_block(database):
    await add("192.0.2.1", "192.0.2.2")
    await add_more()
    assert await fetch_rows(ADDRESSES) == [("192.0.2.1",), ("192.0.2.2",), ("192.0.2.3",)]


async def add_more() -> None:
    async with pipelined_transaction() as transaction:
        transaction.send(ADD, ["192.0.2.3"])


async def test_rows_are_returned_in_statement_order(database):
    async with pipelined_transaction() as transaction:
        found = await transaction.fetch(
            ("SELECT $1::bigint", ["7"]), (ADD, ["192.0.2.1"]), ("SELECT 1 WHERE false", []), (ADDRESSES, [])
        )
    assert found == [[(7,)], [], [("192.0.2.1",)]]


@pytest.mark.parametrize("pooler", ["", "transaction", "transaction-prepared"])
async def test_encoded_parameters_with_and_without_a_pooler(database, settings: Any, pooler: str):
    settings.DATABASE_POOLER = pooler
    statement = NumberedStatement.of("SELECT %(ids)s::bigint[], %(texts)s::text[], %(none)s::text")
    encoded = statement.encode({"ids": binary_bigints([1, -2]), "texts": array_of_texts(["a", "b c"]), "none": None})
    async with pipelined_transaction() as transaction:
        assert (await transaction.fetch(encoded))[-1] == [([1, -2], ["a", "b c"], None)]


async def test_uncommitted_writes_are_visible_only_inside(database):
    async with pipelined_transaction() as transaction:
        await transaction.fetch((ADD, ["192.0.2.1"]))
        assert await transaction.fetch((ADDRESSES, [])) == [[("192.0.2.1",)]]
        assert await fetch_rows(ADDRESSES) == []


async def test_error_in_the_block_rolls_back(database):
    with pytest.raises(ZeroDivisionError):
        await add("192.0.2.1", error=ZeroDivisionError())
    assert await fetch_rows(ADDRESSES) == []


async def test_failed_last_statement_raises_and_rolls_back(database):
    with pytest.raises(psycopg.errors.UniqueViolation):
        await add("192.0.2.1", "192.0.2.1")
    assert await fetch_rows(ADDRESSES) == []


async def test_failed_statement_leaves_the_connection_usable(database):
    processes = set()
    for _ in range(3):  # with statements that the connection has and has not prepared yet
        with pytest.raises(psycopg.errors.DivisionByZero):
            await divide_by_zero()
        processes.add(await server_process())
    alive = await fetch_rows("SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)", [list(processes)])
    assert {pid for (pid,) in alive} == processes
    await add("192.0.2.9")
    assert await fetch_rows(ADDRESSES) == [("192.0.2.9",)]


async def divide_by_zero() -> None:
    async with pipelined_transaction() as transaction:
        transaction.send(ADD, ["192.0.2.1"])
        await transaction.fetch(("SELECT 1 / $1::int", ["0"]), ("SELECT 'never prepared'", []))


async def test_data_larger_than_the_socket_buffer(database):
    async with pipelined_transaction() as transaction:
        (rows,) = await transaction.fetch((LARGE, ["y" * 3_000_000]))
    assert (len(rows[0][0]), len(rows[0][1])) == (1_000_000, 3_000_000)


async def test_lost_connection_raises_and_is_not_reused(database):
    with pytest.raises(psycopg.OperationalError):
        await lose_the_connection()
    await add("192.0.2.1")
    assert await fetch_rows(ADDRESSES) == [("192.0.2.1",)]


async def lose_the_connection() -> None:
    async with pipelined_transaction() as transaction:
        [[(process,)]] = await transaction.fetch((SERVER_PROCESS, []))
        transaction.send(ADD, ["192.0.2.1"])
        await fetch_rows("SELECT pg_terminate_backend(%s)", [process])


async def test_stale_statement_is_prepared_again_in_a_transaction(database):
    await fetch_rows("CREATE TABLE changing (value integer)")
    try:
        await read_changing()
        await fetch_rows("ALTER TABLE changing ALTER value TYPE bigint")
        # The pool rotates its connections, and one of them has prepared the statement for the old type.
        refused = [await is_refused() for _ in range(2 * django_settings.DATABASE_POOL_SIZE)]
        assert (refused.count(True), refused[-1]) == (1, False)
    finally:
        await fetch_rows("DROP TABLE changing")


async def is_refused() -> bool:
    try:
        await read_changing()
    except psycopg.errors.FeatureNotSupported:
        return True
    return False


async def read_changing() -> None:
    async with pipelined_transaction() as transaction:
        await transaction.fetch(("SELECT * FROM changing", []))


async def test_stalled_transaction_is_terminated(database, monkeypatch):
    monkeypatch.setattr(pool, "TRANSACTION_TIMEOUT", "SET transaction_timeout = '200ms'")
    with pytest.raises(psycopg.OperationalError):
        await stall()
    assert await fetch_rows(ADDRESSES) == []


async def stall() -> None:
    async with pipelined_transaction() as transaction:
        if not await supports_transaction_timeout(transaction):
            raise psycopg.OperationalError("not before PostgreSQL 17")
        await transaction.fetch((ADD, ["192.0.2.1"]))
        await asyncio.sleep(0.5)


async def supports_transaction_timeout(transaction: PipelinedTransaction) -> bool:
    [[(version,)]] = await transaction.fetch(("SELECT current_setting('server_version_num')::int", []))
    return bool(version >= pool.TRANSACTION_TIMEOUT_SINCE)
