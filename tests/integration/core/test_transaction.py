"""The transaction of a service is atomic, also when its task is cancelled or its connection is lost."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from contextvars import Context
from typing import Any

import psycopg
import pytest
from django.conf import settings

from apps.core.database import pool
from apps.core.database import transaction as transaction_module
from apps.core.database.database_errors import ConstraintViolated
from apps.core.database.orm.queries import count, fetch_all, fetch_one
from apps.core.database.orm.writes import check_constraints, delete, insert, update
from apps.core.database.statements import execute, fetch_rows
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, Unavailable
from apps.plans.models import Plan, PlanLimit

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


async def test_commits_when_the_block_ends(database):
    async with transaction():
        added = await insert(plan())
        await update(Plan.objects.filter(pk=added.pk), api_keys_maximum=7)
    found = await fetch_one(Plan.objects.filter(name="gold"))
    assert found is not None
    assert (found.pk, found.api_keys_maximum) == (added.pk, 7)


async def test_uncommitted_writes_are_invisible_to_other_connections(database):
    before = await names()
    async with transaction():
        await insert(plan())
        assert await names() == sorted([*before, "gold"])
        assert await asyncio.to_thread(_names_on_another_connection) == before
    assert await names() == sorted([*before, "gold"])


def _names_on_another_connection() -> list[str]:
    with psycopg.connect(settings.ENVIRONMENT.database_url, dbname=settings.DATABASES["default"]["NAME"]) as other:
        return [row[0] for row in other.execute("SELECT name FROM plans ORDER BY name")]


async def test_statements_run_on_one_connection(database):
    async with transaction():
        processes = {await process() for _ in range(3)}
        assert await fetch_rows("SELECT now() = transaction_timestamp()") == [(True,)]
    assert len(processes) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError(), Conflict("no")])
async def test_rolls_back_when_the_block_raises(database, error: Exception):
    before = await names()
    with pytest.raises(type(error)):
        async with transaction():
            await insert(plan())
            raise error
    assert await names() == before


async def test_returning_from_the_block_commits(database):
    async def add() -> str:
        async with transaction():
            return (await insert(plan())).name

    assert await add() == "gold"
    assert "gold" in await names()


async def test_block_without_statements(database):
    async with transaction():
        pass
    with pytest.raises(ZeroDivisionError):
        async with transaction():
            raise ZeroDivisionError
    async with transaction():
        assert await process()


async def test_violation_names_constraint_without_values(database):
    with pytest.raises(ConstraintViolated) as violation:
        async with transaction():
            await insert(plan())
            await insert(plan())
    assert violation.value.constraint == "plans_name_key"
    assert "gold" not in str(violation.value)
    assert "gold" not in await names()


async def test_deferred_constraint_is_named_at_commit(database):
    with pytest.raises(ConstraintViolated) as violation:
        async with transaction():
            await insert(PlanLimit(plan_id=10**9, name="minute", limit=1, period_seconds=60))
    assert "plan_id" in violation.value.constraint
    assert await count(PlanLimit.objects.filter(plan_id=10**9)) == 0


async def test_deferred_constraint_can_be_checked_early(database):
    with pytest.raises(ConstraintViolated):
        async with transaction():
            await insert(PlanLimit(plan_id=10**9, name="minute", limit=1, period_seconds=60))
            await check_constraints()
            pytest.fail("the constraint was not checked")


async def test_connections_stay_usable_after_errors(database):
    used = set()
    for refused in ("SELECT 1/0", "SELEC", DUPLICATE, "SELECT 1", "SELECT 'x'::int", DUPLICATE):
        with suppress(ConstraintViolated, psycopg.Error):
            async with transaction():
                used.add(await process())
                await fetch_rows(refused)
    assert await alive(used) == used


async def test_statements_after_a_failed_one_raise(database):
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        async with transaction():
            with pytest.raises(ConstraintViolated):
                await insert(plan("free"))
            await insert(plan())
    assert "gold" not in await names()


async def test_cancelling_while_a_statement_runs_rolls_back_and_keeps_the_connection(database):
    before, started = await names(), asyncio.Event()
    processes: list[int] = []

    async def slow() -> None:
        async with transaction():
            processes.append(await process())
            await insert(plan())
            started.set()
            await fetch_rows("SELECT pg_sleep(30)")

    task = asyncio.create_task(slow())
    await started.wait()
    await asyncio.sleep(0.05)
    started_at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started_at < 2
    assert await names() == before
    assert await alive(processes) == set(processes)


async def test_cancelling_between_statements_rolls_back(database):
    before, started = await names(), asyncio.Event()

    async def wait() -> None:
        async with transaction():
            await insert(plan())
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names() == before


async def test_lost_connection_fails_only_its_transaction(database):
    with pytest.raises(psycopg.OperationalError):
        async with transaction():
            await insert(plan())
            await execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with transaction():
        await insert(plan("silver"))
    assert [name for name in await names() if name in {"gold", "silver"}] == ["silver"]


async def test_transactions_wait_for_free_connections(database):
    async def add(number: int) -> None:
        async with transaction():
            await insert(plan(f"gold {number}"))

    await asyncio.gather(*(add(number) for number in range(5 * settings.DATABASE_POOL_SIZE)))
    assert len([name for name in await names() if name.startswith("gold")]) == 5 * settings.DATABASE_POOL_SIZE


async def test_too_many_transactions_are_rejected(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transaction_module, "WAITING_MAXIMUM", 1)
    async with transaction():
        refused = asyncio.create_task(_open(), context=_without_transaction())
        with pytest.raises(Unavailable, match="Too many"):
            await refused


async def test_waiting_for_a_slot_times_out(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transaction_module, "SLOT_WAIT_SECONDS_MAXIMUM", 0.05)
    slots = transaction_module._slots.setdefault(asyncio.get_running_loop(), transaction_module._Slots())
    for _ in range(settings.DATABASE_POOL_SIZE):
        await slots.free.acquire()
    with pytest.raises(Unavailable, match="Too many"):
        await _open()


async def _open() -> None:
    async with transaction():
        pass


def _without_transaction() -> Any:
    return Context()


async def test_stale_statement_fails_once_per_connection(database):
    await execute("CREATE TABLE shifting (id int)")
    try:
        assert [await shifting() for _ in range(4)] == ["read"] * 4
        await execute("ALTER TABLE shifting ALTER COLUMN id TYPE text")
        outcomes = [await shifting() for _ in range(8)]
    finally:
        await execute("DROP TABLE shifting")
    assert 1 <= outcomes.count("unavailable") <= 2  # the pool has opened one or two connections
    assert outcomes[-2:] == ["read", "read"]


async def shifting() -> str:
    try:
        async with transaction():
            await fetch_rows("SELECT * FROM shifting")
    except Unavailable:
        return "unavailable"
    return "read"


async def test_delete_returns_the_number_of_rows(database):
    async with transaction():
        await insert(plan())
        assert await delete(Plan.objects.filter(name="gold")) == 1
        assert await delete(Plan.objects.filter(name="gold")) == 0
        assert await delete(Plan.objects.none()) == 0


async def test_unavailable_database_is_not_retried_for_a_second(database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool, "POOL_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(pool, "_connection_parameters", lambda _timeout: {"host": "127.0.0.1", "port": 1})
    with pytest.raises(psycopg.OperationalError):
        await _open()
    started_at = time.monotonic()
    with pytest.raises(Unavailable, match="unavailable"):
        await _open()
    assert time.monotonic() - started_at < 0.1
