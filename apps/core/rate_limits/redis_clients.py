"""Connections to a server that speaks Redis' protocol; code that uses them blocks, so it runs on threads.

Nothing waits without a bound: not for the server, nor for a free connection.
"""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.errors import Unavailable

SOCKET_TIMEOUT_SECONDS = 1
CONNECTIONS_MAXIMUM = 16
RETRIES = 1  # at once: the server has closed a kept connection, or has just been restarted
RETRIED = (redis.ConnectionError,)
UNREACHABLE = (redis.RedisError, OSError, TimeoutError)

logger = logging.getLogger("keyhouse.cache")


@contextmanager
def redis_client(url: str) -> Iterator[redis.Redis]:
    """Lend the client; raises Unavailable when the server cannot be reached, refuses, or answers too late."""
    try:
        yield shared_client(url)
    except UNREACHABLE as error:
        # A message of the server's may repeat what it was sent.
        logger.warning("cache unavailable: %s", type(error).__name__)
        raise Unavailable("The cache is unavailable. Retry shortly.") from error


async def ping(url: str) -> None:
    """Ask the server whether it answers; raises Unavailable."""
    refuse_in_transaction("the cache server")
    await asyncio.get_running_loop().run_in_executor(_thread(), partial(_ping, url))


@cache
def shared_client(url: str) -> redis.Redis:
    """Return the client that this process shares."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        retry=Retry(NoBackoff(), RETRIES, supported_errors=RETRIED),
        max_connections=CONNECTIONS_MAXIMUM,
        timeout=SOCKET_TIMEOUT_SECONDS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return redis.Redis.from_pool(pool)


def _ping(url: str) -> None:
    with redis_client(url) as client:
        client.ping()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="cache ping")
