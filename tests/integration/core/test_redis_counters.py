"""Rate limits in Redis: every counter expires, and requests are rejected while Redis is unavailable."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from django.core.cache import cache
from django.http import HttpRequest
from pytest_django.fixtures import Settings

from apps.core.errors import Unavailable
from apps.core.rate_limits import redis_clients
from apps.core.rate_limits.request_limits import count_call
from apps.users.models import User
from config.environment.rate_limits import cache_settings
from tests.support.assertions import assert_error
from tests.support.orm import make, rows
from tests.support.redis_server import PASSWORD, RedisServer

LOGIN = "/api/v1/auth/login"
WRONG = {"email": "unknown@example.com", "password": "wrong"}
NEW = {"email": "ann@example.com", "username": "ann", "password": "correct horse battery staple"}


@pytest.fixture
def own_server(tmp_path: Path, settings: Settings) -> Iterator[RedisServer]:
    """A Redis server that the test may stop. Rate limits are counted in it."""
    with RedisServer(tmp_path) as server:
        settings.CACHE_URL = server.url
        settings.CACHES = {"default": cache_settings(server.url)}
        yield server
        redis_clients.shared_client(server.url).close()


@contextmanager
def unavailable(server: RedisServer, how: str) -> Iterator[None]:
    """Stop or freeze the server inside the block."""
    if how == "frozen":
        with server.frozen():
            yield
        return
    server.stop()
    yield
    server.start()


async def test_limits_are_counted_in_redis(api: httpx.AsyncClient, redis_cache: RedisServer, settings: Settings):
    settings.LOGIN_RATE_LIMIT = "3/h"
    responses = [await api.post(LOGIN, json=WRONG) for _ in range(4)]
    assert [response.status_code for response in responses] == [401, 401, 401, 429]
    assert [response.headers["x-ratelimit-remaining"] for response in responses] == ["2", "1", "0", "0"]
    assert 1 <= int(responses[3].headers["retry-after"]) <= 3600
    with redis_cache.client() as client:
        (key,) = client.keys("*")
        assert key.startswith(b"keyhouse:1:rl:")
        assert client.get(key) == b"4"
        assert 0 < client.ttl(key) <= 3605


async def test_concurrent_calls_pass_exactly_up_to_the_limit(
    api: httpx.AsyncClient, redis_cache: RedisServer, settings: Settings
):
    settings.PUBLIC_RATE_LIMIT = "7/h"
    spent = {"refresh_token": "none"}
    responses = await asyncio.gather(*(api.post("/api/v1/auth/refresh", json=spent) for _ in range(40)))
    assert sorted(response.status_code for response in responses) == [401] * 7 + [429] * 33


async def test_every_counter_expires(redis_cache: RedisServer):
    await asyncio.gather(*(count_call(HttpRequest(), "group", "192.0.2.1", "100/m") for _ in range(20)))
    with redis_cache.client() as client:
        (key,) = client.keys("*")
        assert client.get(key) == b"20"
        assert 0 < client.pttl(key) <= 65_000


def test_counter_without_timeout_never_expires(redis_cache: RedisServer):
    cache.set("a", 1, timeout=None)
    assert cache.incr("a") == 2
    with redis_cache.client() as client:
        assert client.ttl("keyhouse:1:a") == -1


def test_clear_keeps_other_keys(redis_cache: RedisServer):
    cache.set("a", 1)
    with redis_cache.client() as client:
        client.set("theirs", "kept")
        cache.clear()
        assert client.keys("*") == [b"theirs"]


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_requests_are_rejected_while_redis_is_unavailable(
    api: httpx.AsyncClient, own_server: RedisServer, how: str, caplog: pytest.LogCaptureFixture
):
    assert (await api.post(LOGIN, json=WRONG)).status_code == 401
    with caplog.at_level(logging.DEBUG), unavailable(own_server, how):
        for path, body in ((LOGIN, WRONG), ("/api/v1/users", NEW)):
            assert_error(await api.post(path, json=body), 503, "UNAVAILABLE")
        ready = await api.get("/health/ready")
        with pytest.raises(Unavailable):
            await make(cache.incr, "a")
    assert await rows(User.objects.all()) == []
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
    assert ready.json() == {"status": "unavailable", "dependencies": {"database": "ok", "cache": "unavailable"}}
    assert "cache unavailable: " in caplog.text
    assert PASSWORD not in caplog.text
    assert (await api.post(LOGIN, json=WRONG)).status_code == 401
    assert (await api.get("/health/ready")).json()["dependencies"] == {"database": "ok", "cache": "ok"}


async def test_wrong_redis_password_is_unavailable_and_not_logged(
    api: httpx.AsyncClient, redis_server: RedisServer, settings: Settings, caplog: pytest.LogCaptureFixture
):
    wrong = redis_server.url.replace(PASSWORD, "wrong-hunter2")
    settings.CACHES = {"default": cache_settings(wrong)}
    with caplog.at_level(logging.DEBUG):
        assert_error(await api.post(LOGIN, json=WRONG), 503, "UNAVAILABLE")
    assert "hunter2" not in caplog.text


async def test_connections_are_kept_between_calls(redis_cache: RedisServer, settings: Settings):
    await asyncio.gather(*(count_call(HttpRequest(), "group", "192.0.2.1", "100/m") for _ in range(30)))
    with redis_cache.client() as client:
        connected = client.info("clients")["connected_clients"]
    assert connected <= settings.RATE_LIMIT_THREADS + 1  # one per thread, and the test's own
