"""Clients of a server that implements the Redis protocol. They block, so code that uses them runs on threads.

Waiting for the server, and for a free connection, is limited to SOCKET_TIMEOUT_SECONDS.
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
RETRIES = 1  # without a pause, for a server that has closed an idle connection or has just restarted
RETRIED = (redis.ConnectionError,)
UNREACHABLE = (redis.RedisError, OSError, TimeoutError)

logger = logging.getLogger("keyhouse.cache")


@contextmanager
def redis_client(url: str) -> Iterator[redis.Redis]:
    """Return the client for a block. Raises Unavailable when the server is unreachable, fails or times out."""
    try:
        yield shared_client(url)
    except UNREACHABLE as error:
        # The server's message may repeat the sent data.
        logger.warning("cache unavailable: %s", type(error).__name__)
        raise Unavailable("The cache is unavailable. Retry shortly.") from error


async def ping(url: str) -> None:
    """Check that the server responds. Raises Unavailable."""
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
