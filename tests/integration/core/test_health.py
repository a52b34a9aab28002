"""`/health` and `/health/ready`."""

import asyncio
import gc
from typing import NoReturn

import httpx
import pytest
from psycopg_pool import PoolTimeout

from apps.core.database import transaction as transactions
from apps.core.database.pool import has_pools
from apps.core.http.root_application import serve_lifespan
from apps.core.routers import health_router


async def test_liveness_needs_no_database(api: httpx.AsyncClient):
    response = await api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert not has_pools()


async def test_readiness_lists_dependencies(api: httpx.AsyncClient):
    response = await api.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "dependencies": {"database": "ok"}})


async def test_readiness_ignores_credentials(api: httpx.AsyncClient):
    assert (await api.get("/health/ready", headers={"Authorization": "Bearer x"})).status_code == 200


async def test_readiness_is_lost_while_transactions_get_no_connection(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    def refuse() -> NoReturn:
        raise PoolTimeout

    with monkeypatch.context() as patch:
        patch.setattr(transactions, "transaction_connection", refuse)
        patch.setattr(transactions, "OUTAGE_SECONDS", 0)
        assert (await api.get("/health/ready")).status_code == 200
        with pytest.raises(PoolTimeout):
            async with transactions.transaction():
                raise AssertionError("a transaction has begun")
        for _ in range(2):
            response = await api.get("/health/ready")
            assert (response.status_code, response.json()["dependencies"]) == (503, {"database": "unavailable"})
    for _ in range(2):
        assert (await api.get("/health/ready")).status_code == 200


@pytest.mark.parametrize("timeout_seconds", [0.05, 2])
async def test_probe_that_fails_after_the_response_or_the_client_is_gone_is_not_logged(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, timeout_seconds: float
):
    async def fail_in_its_cancellation(_sql: str) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
            raise PoolTimeout

    ended, unretrieved = asyncio.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: unretrieved.append(problem))
    monkeypatch.setattr(health_router, "fetch_rows", fail_in_its_cancellation)
    monkeypatch.setattr(health_router, "READINESS_TIMEOUT_SECONDS", timeout_seconds)
    request = asyncio.create_task(api.get("/health/ready"))
    await asyncio.sleep(0.2)
    request.cancel()  # without effect after the shorter timeout
    await asyncio.gather(request, return_exceptions=True)
    await asyncio.wait_for(ended.wait(), 1)
    await asyncio.sleep(0)
    gc.collect()
    assert unretrieved == []


async def test_pools_are_opened_at_startup_and_closed_at_shutdown(database):
    incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outgoing: asyncio.Queue[object] = asyncio.Queue()
    server = asyncio.create_task(serve_lifespan(incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    assert await outgoing.get() == {"type": "lifespan.startup.complete"}
    assert has_pools()
    await incoming.put({"type": "lifespan.shutdown"})
    assert await outgoing.get() == {"type": "lifespan.shutdown.complete"}
    await server
    assert not has_pools()
