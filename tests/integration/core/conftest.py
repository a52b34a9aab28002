"""Fixtures for the caches that count rate limits."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from apps.core.rate_limits.redis_clients import shared_client
from config.environment.rate_limits import cache_settings
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server for all tests of this process."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_cache(redis_server: RedisServer, settings: Settings) -> Iterator[RedisServer]:
    """Count in an empty Redis."""
    with redis_server.client() as client:
        client.flushdb()
    settings.CACHE_URL = redis_server.url
    settings.CACHES = {"default": cache_settings(redis_server.url)}
    yield redis_server
    shared_client(redis_server.url).close()


@pytest.fixture(params=["postgresql", "redis"])
def counters(request: pytest.FixtureRequest, database: None) -> None:
    """Run the test once with each cache."""
    if request.param == "redis":
        request.getfixturevalue("redis_cache")
