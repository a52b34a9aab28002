"""`/health` and `/health/ready`."""

import asyncio

import httpx

from apps.core.database.pool import has_pools
from apps.core.http.root_application import serve_lifespan


async def test_liveness_needs_no_database(api: httpx.AsyncClient):
    response = await api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert not has_pools()


async def test_readiness_lists_dependencies(api: httpx.AsyncClient):
    response = await api.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "dependencies": {"database": "ok"}})


async def test_readiness_ignores_credentials(api: httpx.AsyncClient):
    assert (await api.get("/health/ready", headers={"Authorization": "Bearer x"})).status_code == 200


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
