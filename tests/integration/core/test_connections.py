"""Connections that the server has closed are replaced."""

import asyncio

import pytest
from django.db import connection

from apps.core.database.pool import close_pools, has_pools
from apps.core.database.statements import fetch_rows
from apps.core.errors import Conflict
from apps.core.event_loop import call_service
from tests.support.orm import run_in_transaction

PID = "SELECT pg_backend_pid()"


def kill(pid: int) -> bool:
    """Terminate a backend and wait until it has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return bool(cursor.fetchone()[0])


async def test_terminated_connection_is_replaced(database):
    ((pid,),) = await fetch_rows(PID)
    assert await run_in_transaction(kill, pid)
    ((another,),) = await fetch_rows(PID)
    assert another != pid


async def test_all_terminated_connections_are_replaced(database):
    results = await asyncio.gather(*(fetch_rows(f"{PID}, pg_sleep(0.05)") for _ in range(8)))
    pids = {result[0][0] for result in results}
    assert len(pids) > 1
    for pid in pids:
        assert await run_in_transaction(kill, pid)
    again = await asyncio.gather(*(fetch_rows(PID) for _ in range(8)))
    assert not pids & {result[0][0] for result in again}


async def test_failed_statement_leaves_connection_usable(database):
    for _ in range(20):
        with pytest.raises(Exception, match="division by zero"):
            await fetch_rows("SELECT 1/0")
    assert await fetch_rows("SELECT 1") == [(1,)]


async def test_pool_is_opened_on_use_and_closed(database):
    assert not has_pools()
    await fetch_rows("SELECT 1")
    assert has_pools()
    await close_pools()
    await close_pools()
    assert not has_pools()


def test_synchronous_code_can_call_a_service(database):
    assert call_service(fetch_rows, "SELECT %s::int", [7]) == [(7,)]
    with pytest.raises(Conflict):
        call_service(refuse)


async def refuse() -> None:
    raise Conflict
