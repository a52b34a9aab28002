"""Tables that are locked or changed by a migration, and a database that is read-only: 503, and nothing is charged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from apps.core.database import pool
from apps.core.database.pool import close_pools, connection
from tests.integration.verification.verifying import PATH, balance_of, make_paying_key, usage, verify
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, make_service_key
from tests.support.orm import make

LOCK_TIMEOUT_SECONDS = 0.25


@pytest.fixture(autouse=True)
def _short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the lock timeout."""
    monkeypatch.setattr(pool, "READ_LOCK_TIMEOUT", f"{LOCK_TIMEOUT_SECONDS}s")


@asynccontextmanager
async def locked_table(name: str) -> AsyncIterator[None]:
    """Lock the table as a migration does."""
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE".encode())
        yield


async def execute(sql: str) -> None:
    async with connection() as borrowed:
        await borrowed.execute(sql.encode())


async def ask(api: httpx.AsyncClient, key: IssuedKey, service: IssuedKey) -> httpx.Response:
    return await api.post(PATH, json={"key": key.secret, "cost": "1"}, headers=service.headers)


@pytest.mark.parametrize(
    "table", ["credit_balances", "api_key_counters", "usage_batches", "record_changes", "api_keys"]
)
async def test_a_table_that_a_migration_locks(api: httpx.AsyncClient, table: str):
    key, service = await make(make_paying_key), await make(make_service_key)
    if table != "api_keys":
        assert (await verify(api, key.secret, service, cost="1"))["code"] == "VALID"
    async with locked_table(table):
        assert_error(await ask(api, key, service), 503, "UNAVAILABLE")
    assert (await verify(api, key.secret, service, cost="1"))["code"] == "VALID"
    assert await balance_of(key.row) == 10 - len(await usage())


async def test_a_use_of_a_key_while_a_table_is_locked(api: httpx.AsyncClient):
    service: IssuedKey = await make(make_service_key)
    async with locked_table("api_key_counters"):
        assert_error(await api.get("/api/v1/users/me", headers=service.headers), 503, "UNAVAILABLE")


CHANGES = {
    "credit_balances": ("balance TYPE numeric(21, 6)", "balance TYPE numeric(20, 6)"),
    "api_key_counters": ("windows TYPE varchar", "windows TYPE text"),
}


@pytest.mark.parametrize("table", CHANGES)
async def test_a_table_that_a_migration_changes(api: httpx.AsyncClient, table: str):
    key, service = await make(make_paying_key), await make(make_service_key)
    assert (await verify(api, key.secret, service, cost="1"))["code"] == "VALID"
    forward, backward = CHANGES[table]
    try:
        await execute(f"ALTER TABLE {table} ALTER {forward}")
        statuses = [(await ask(api, key, service)).status_code for _ in range(2)]
    finally:
        await execute(f"ALTER TABLE {table} ALTER {backward}")
    assert statuses == [200, 200]
    assert [(await ask(api, key, service)).status_code for _ in range(2)] == [200, 200]
    assert await balance_of(key.row) == 10 - 5


async def test_a_change_of_a_table_while_a_credential_is_checked(api: httpx.AsyncClient):
    # Its batch takes no locks, and reads the same tables.
    service: IssuedKey = await make(make_service_key)
    key: IssuedKey = await make(make_paying_key)
    assert (await verify(api, key.secret, service))["code"] == "VALID"
    body = {"items": [{"key": key.secret}]}
    assert (await api.post("/api/v1/keys/verify-batch", json=body, headers=service.headers)).status_code == 200
    try:
        await execute("ALTER TABLE api_key_counters ALTER windows TYPE varchar")
        answer = await api.post("/api/v1/keys/verify-batch", json=body, headers=service.headers)
    finally:
        await execute("ALTER TABLE api_key_counters ALTER windows TYPE text")
    assert answer.status_code == 200, answer.text


async def test_a_read_only_database(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    # As after a failover, when the address still leads to what has become a standby.
    key, service = await make(make_paying_key), await make(make_service_key)
    await close_pools()
    monkeypatch.setitem(pool.SERVER_SETTINGS, "default_transaction_read_only", "on")
    assert_error(await ask(api, key, service), 503, "UNAVAILABLE")
    await close_pools()
    monkeypatch.delitem(pool.SERVER_SETTINGS, "default_transaction_read_only")
    assert (await verify(api, key.secret, service, cost="1"))["code"] == "VALID"
    assert await balance_of(key.row) == 10 - 1
