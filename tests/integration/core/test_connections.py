"""Lost connections are replaced, and transactions are atomic."""

import asyncio
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core.database.pool import close_pools, has_pools
from apps.core.database.statements import fetch_rows
from apps.core.database.transactions import run_in_transaction, violated_constraint
from apps.core.errors import Conflict
from apps.core.event_loop.sync_calls import call_service
from apps.users.models import User
from tests.support.factories import make_user
from tests.support.orm import make, rows

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


async def test_a_transaction_has_committed_when_it_returns(database):
    user = await make(make_user)
    assert await fetch_rows("SELECT id FROM users") == [(user.pk,)]


async def test_a_transaction_that_raises_leaves_nothing(database):
    def make_two_and_fail() -> None:
        make_user()
        make_user()
        raise Conflict

    with pytest.raises(Conflict):
        await run_in_transaction(make_two_and_fail)
    assert await rows(User.objects.all()) == []


async def test_a_refused_write_takes_the_others_with_it_and_names_its_constraint(database):
    def make_twins() -> None:
        make_user(email="a@example.com")
        make_user(email="A@EXAMPLE.COM")

    with pytest.raises(IntegrityError) as refusal:
        await run_in_transaction(make_twins)
    assert violated_constraint(refusal.value) == "users_email_unique"
    assert await rows(User.objects.all()) == []


async def test_an_inner_part_may_fail_alone(database):
    def make_one_of_two() -> None:
        make_user(username="kept")
        with pytest.raises(IntegrityError), transaction.atomic():
            make_user(username="Kept")

    await run_in_transaction(make_one_of_two)
    assert [user.username for user in await rows(User.objects.all())] == ["kept"]


async def test_more_transactions_than_connections_are_served(database):
    threads = set()

    def note(number: int) -> int:
        threads.add(threading.current_thread().name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [number])
            return int(cursor.fetchone()[0])

    assert await asyncio.gather(*(run_in_transaction(note, number) for number in range(100))) == list(range(100))
    assert len(threads) <= 8
    assert all(name.startswith("transaction") for name in threads)


def test_an_error_without_a_constraint_names_none():
    assert violated_constraint(IntegrityError("made by hand")) == ""
