"""Errors inside a service's transaction: nesting, waiting for anything else, locking out of order."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import psycopg
import pytest
from django.conf import settings

from apps.api_keys.models import ApiKeyCounter
from apps.core.crypto.passwords import hash_password, run_in_hashing_thread
from apps.core.database import pool
from apps.core.database import transaction as transaction_module
from apps.core.database.database_errors import is_unavailable_for_all
from apps.core.database.lock_order import LockOrderBroken
from apps.core.database.open_transaction import NoTransaction, WaitInTransaction
from apps.core.database.orm.queries import fetch_all, lock_all, lock_one
from apps.core.database.orm.writes import insert
from apps.core.database.pipeline.pipelined_transaction import pipelined_transaction
from apps.core.database.pool import connection
from apps.core.database.statements import fetch_rows
from apps.core.database.transaction import transaction
from apps.core.event_loop import run_in_daemon_thread
from apps.core.http.error_responses import to_domain_error
from apps.core.rate_limits.redis_clients import ping
from apps.credits.models import CreditBalance
from apps.identities.services.provider_http import ProviderHttp
from apps.plans.models import Plan, PlanLimit
from tests.support.factories import make_key, make_user
from tests.support.orm import make

pytestmark = pytest.mark.integration

SERVER_PROCESS = "SELECT pg_backend_pid()"
DUPLICATE = "INSERT INTO plans (name, created_at, updated_at) VALUES ('free', now(), now())"


def plan(name: str = "gold") -> Plan:
    return Plan(name=name)


async def names() -> list[str]:
    return [row.name for row in await fetch_all(Plan.objects.order_by("name"))]


async def process() -> int:
    return int((await fetch_rows(SERVER_PROCESS))[0][0])


async def alive(processes: Iterable[int]) -> set[int]:
    """Return the server processes that still serve a connection."""
    found = await fetch_rows("SELECT pid FROM pg_stat_activity WHERE pid = ANY (%s)", [list(processes)])
    return {pid for (pid,) in found}


async def test_transactions_do_not_nest(database):
    with pytest.raises(WaitInTransaction, match="second transaction"):
        async with transaction(), transaction():
            pytest.fail("the inner transaction was opened")
    async with transaction():
        assert await process()


async def test_nesting_raises_at_once_when_all_slots_are_taken(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "DATABASE_POOL_SIZE", 1)
    monkeypatch.setattr(transaction_module, "SLOT_WAIT_SECONDS_MAXIMUM", 0.2)
    async with transaction():
        with pytest.raises(WaitInTransaction, match="second transaction"):
            async with transaction():
                pytest.fail("the inner transaction was opened")


def _fail() -> None:
    raise AssertionError("the function was called")


async def _borrow() -> None:
    async with connection():
        _fail()


async def _enter_pipeline() -> None:
    async with pipelined_transaction():
        _fail()


WAITS: dict[str, Callable[[], Awaitable[Any]]] = {
    "hashing": lambda: hash_password("correct horse battery"),
    "hashing thread": lambda: run_in_hashing_thread(_fail),
    "thread": lambda: run_in_daemon_thread(_fail, "test"),
    "cache server": lambda: ping("redis://127.0.0.1:1"),
    "other server": lambda: ProviderHttp().get("http://127.0.0.1:1"),
    "another connection": _borrow,
    "a batch": _enter_pipeline,
}


@pytest.mark.parametrize("name", WAITS)
async def test_waiting_inside_a_transaction_raises(database, name: str):
    async with transaction():
        with pytest.raises(WaitInTransaction):
            await WAITS[name]()
        assert await fetch_rows("SELECT 1") == [(1,)]  # the transaction stays usable


async def test_another_task_cannot_use_the_transaction(database):
    async with transaction():
        with pytest.raises(WaitInTransaction, match="task"):
            await asyncio.create_task(names())


async def test_task_that_outlives_the_transaction_has_none(database):
    release = asyncio.Event()

    async def later() -> list[str]:
        await release.wait()
        return await names()

    async with transaction():
        task = asyncio.create_task(later())
        await insert(plan())
    release.set()
    assert "gold" in await task


async def test_locking_requires_a_transaction(database):
    with pytest.raises(NoTransaction):
        await lock_one(Plan.objects.all())
    with pytest.raises(NoTransaction):
        await lock_all(Plan.objects.all())


async def test_locking_out_of_order_raises(database):
    user = await make(make_user)
    async with transaction():
        await lock_one(CreditBalance.objects.filter(pk=user.pk))
        with pytest.raises(LockOrderBroken, match="plans is locked after credit_balances"):
            await lock_one(Plan.objects.filter(name="free"))
    async with transaction():
        await lock_one(Plan.objects.filter(name="free"))
        await lock_one(Plan.objects.filter(name="pro"))
        await lock_one(CreditBalance.objects.filter(pk=user.pk))


async def test_locking_counters_without_the_balance_that_covers_them_raises(database):
    # A batch of verifications reads and writes the counters of a customer whose balance it has locked.
    key = await make(make_key)
    counters, balances = ApiKeyCounter.objects.filter(pk=key.id), CreditBalance.objects.filter(pk=key.row.user_id)
    for lock in (lock_one, lock_all):
        async with transaction():
            with pytest.raises(LockOrderBroken, match="api_key_counters is locked without credit_balances"):
                await lock(counters)
    async with transaction():
        await lock_one(balances)
        await lock_one(counters)
        await lock_one(counters)
    async with transaction():  # the lock of the transaction before has ended with it
        with pytest.raises(LockOrderBroken, match="without credit_balances"):
            await lock_one(counters)


async def test_locking_an_unlisted_table_raises(database):
    async with transaction():
        with pytest.raises(LockOrderBroken, match="plan_limits is not listed"):
            await lock_one(PlanLimit.objects.all())


async def test_waiting_for_a_locked_row_times_out(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "TRANSACTION_LOCK_TIMEOUT", "200ms")
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with transaction():
            await lock_one(Plan.objects.filter(name="free"))
            locked.set()
            await release.wait()

    holder = asyncio.create_task(hold())
    await locked.wait()
    with pytest.raises(psycopg.errors.LockNotAvailable):
        async with transaction():
            await lock_one(Plan.objects.filter(name="free"))
    release.set()
    await holder


async def test_transaction_of_a_stalled_worker_is_unavailable(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "TRANSACTION_TIMEOUT", "SET transaction_timeout = '300ms'")
    with pytest.raises(psycopg.Error) as raised:
        async with transaction():
            await fetch_rows("SELECT 1")
            time.sleep(0.5)  # noqa: ASYNC251  a stalled worker
            await fetch_rows("SELECT pg_sleep(1)")
    assert to_domain_error(raised.value).status == 503
    assert await names()


async def test_statement_that_exceeds_the_transaction_timeout_is_unavailable(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "TRANSACTION_TIMEOUT", "SET transaction_timeout = '300ms'")
    with pytest.raises(psycopg.errors.TransactionTimeout) as raised:
        async with transaction():
            await fetch_rows("SELECT pg_sleep(1)")
    assert to_domain_error(raised.value).status == 503
    assert not is_unavailable_for_all(raised.value)
    assert await names()


async def test_error_is_not_its_own_cause(database):
    with pytest.raises(psycopg.DataError) as raised:
        async with transaction():
            await fetch_rows("SELECT 1 / 0")
    assert raised.value.__cause__ is None
