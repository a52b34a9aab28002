"""Rate limits that all workers count in one Redis, and an outage of Redis: refused promptly, recovered by itself."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.assertions import assert_error
from tests.support.redis_server import PASSWORD, RedisServer
from tests.support.server import Server, separate_database, start_server

pytestmark = pytest.mark.e2e

LIMIT, CALLS = 10, 60
ANSWER_SECONDS_MAXIMUM = 5.0
RECOVERY_SECONDS_MAXIMUM = 5.0


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def limited(cache: RedisServer, tmp_path: Path) -> Iterator[Server]:
    """A server with two workers that lets an address make ten public calls a day."""
    name = f"keyhouse_cached_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_server(database_url, tmp_path / "server", CACHE_URL=cache.url, PUBLIC_RATE_LIMIT=f"{LIMIT}/d") as served,
    ):
        yield served


def refresh(server: Server) -> httpx.Response:
    """Make a public call on a connection of its own, so that each worker gets some."""
    with server.client() as client:
        return client.post("/api/v1/auth/refresh", json={"refresh_token": "none"})


def test_two_workers_share_one_limit(limited: Server):
    statuses = [refresh(limited).status_code for _ in range(CALLS)]
    assert statuses == [401] * LIMIT + [429] * (CALLS - LIMIT)


def test_limits_survive_an_outage_of_redis(limited: Server, cache: RedisServer):
    assert refresh(limited).status_code == 401
    with cache.frozen():
        _check_away(limited)
    cache.stop()
    _check_away(limited)
    cache.start()
    deadline = time.monotonic() + RECOVERY_SECONDS_MAXIMUM
    while not all(_is_ready(limited) for _ in range(10)):
        assert time.monotonic() < deadline
    assert refresh(limited).status_code == 401
    assert limited.stop() == 0
    assert PASSWORD not in limited.errors + limited.output
    assert "Traceback" not in limited.errors


def _check_away(server: Server) -> None:
    started = time.monotonic()
    assert_error(refresh(server), 503, "UNAVAILABLE")
    assert time.monotonic() - started < ANSWER_SECONDS_MAXIMUM
    with server.client() as client:
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["dependencies"]) == (503, {"database": "ok", "cache": "unavailable"})
        assert client.get("/health").status_code == 200


def _is_ready(server: Server) -> bool:
    with server.client() as client:
        return client.get("/health/ready").status_code == 200
