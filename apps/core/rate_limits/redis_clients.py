"""Connections to a server that speaks Redis' protocol: one client for each event loop, and one for other threads.

Nothing waits for ever: not for the server, nor for a free connection.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.errors import Unavailable

SOCKET_TIMEOUT_SECONDS = 1
ANSWER_SECONDS_MAXIMUM = 2  # all of it: a free connection, the connecting, the answer
CONNECTIONS_MAXIMUM = 16
RETRIES = 1  # at once: the server has closed a kept connection, or has just been started again
RETRIED = (redis.ConnectionError,)
AWAY = (redis.RedisError, OSError, TimeoutError)

logger = logging.getLogger("keyhouse.cache")
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


@asynccontextmanager
async def loop_client(url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """Lend the running loop's client; raises Unavailable when the server refuses, or does not answer in time."""
    refuse_in_transaction("the cache server")
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAXIMUM):
            yield _loop_client(url)
    except AWAY as error:
        raise _unavailable(error) from error


@contextmanager
def thread_client(url: str) -> Iterator[redis.Redis]:
    """Lend the client for synchronous code; raises Unavailable when the server is away, refuses, or is too late."""
    try:
        yield shared_client(url)
    except AWAY as error:
        raise _unavailable(error) from error


async def ping(url: str) -> None:
    """Ask the server whether it answers; raises Unavailable."""
    async with loop_client(url) as client:
        await client.ping()


async def close_client() -> None:
    """Close the running loop's connections, if it has any."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


@cache
def shared_client(url: str) -> redis.Redis:
    """Return the client that synchronous code of this process shares."""
    pool = redis.BlockingConnectionPool.from_url(
        url, retry=Retry(NoBackoff(), RETRIES, supported_errors=RETRIED), **_options()
    )
    return redis.Redis.from_pool(pool)


def _loop_client(url: str) -> redis.asyncio.Redis:
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url, retry=AsyncRetry(NoBackoff(), RETRIES, supported_errors=RETRIED), **_options()
        )
        client = _clients[loop] = redis.asyncio.Redis.from_pool(pool)
    return client


def _options() -> dict[str, Any]:
    return {
        "max_connections": CONNECTIONS_MAXIMUM,
        "timeout": SOCKET_TIMEOUT_SECONDS,
        "socket_timeout": SOCKET_TIMEOUT_SECONDS,
        "socket_connect_timeout": SOCKET_TIMEOUT_SECONDS,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _unavailable(error: BaseException) -> Unavailable:
    # A message of the server's may repeat what it was sent.
    logger.warning("cache away: %s", type(error).__name__)
    return Unavailable("The cache is away; try again shortly.")
