"""Async connections to PostgreSQL: three pools per event loop, opened at first use.

The transactions of services have their own pool, so that reads continue while transactions wait for each other's row
locks; and so have the batches of verifications, so that neither delays them.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, get_args
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg import AsyncConnection, Connection, Error
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from apps.core.database.connection_check import NOT_FOR_LIBPQ
from apps.core.database.open_transaction import refuse_in_transaction

if TYPE_CHECKING:
    from django.db.backends.postgresql.base import DatabaseWrapper

POOL_TIMEOUT_SECONDS = 3
# Batches of verifications have both from the start, so that one can begin beside another while PostgreSQL accepts no
# connection. They use more only while customers are locked for long.
BATCH_CONNECTIONS_MINIMUM, BATCH_CONNECTIONS_MAXIMUM = 2, 6
PREPARE_THRESHOLD = 5  # psycopg's own default
# How long a lost connection is retried in the background. Short, so that the next request after an outage starts a new
# attempt immediately instead of waiting for a long back-off.
RECONNECT_TIMEOUT_SECONDS = 2
# Whatever PostgreSQL believes about the sizes of tables, a statement finds its rows by index: statistics are missing
# in a database that was just filled or restored, and a generic plan does not know how rare a value is.
READS_WHOLE_TABLES = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
# The API's statements are short: a slow one waits for a lock or has a bad plan. Generic plans, because planning takes
# longer than running; PostgreSQL would otherwise plan each time, because it overestimates the number of rows.
STATEMENT_SETTINGS = {
    "statement_timeout": "10s",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    **dict.fromkeys(READS_WHOLE_TABLES, "off"),
}
SERVER_SETTINGS = {
    "TimeZone": "UTC",
    **STATEMENT_SETTINGS,
    # Statements have to see what the transaction has waited for, whatever is set for the database or the role.
    "default_transaction_isolation": r"read\ committed",
    # Detects when a worker's machine is lost, so that the server releases its locks.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}
READ_LOCK_TIMEOUT = "1s"  # a verification batch continues without a row that is locked for longer
TRANSACTION_LOCK_TIMEOUT = "3s"  # transactions on one account queue for its row
# A worker that stalls between statements keeps its locks, and no other timeout applies while PostgreSQL waits for it.
TRANSACTION_TIMEOUT = "SET transaction_timeout = '15s'"
TRANSACTION_TIMEOUT_SINCE = 170_000  # the PostgreSQL version number
# Settings of one transaction. One through a pooler begins with this statement: the next one on the connection may have
# another server process, and a session's settings would stay with the process and reach other clients. A block returns
# no rows.
SETTINGS_BLOCK = "DO $$ BEGIN PERFORM %s; END $$"

Pool = AsyncConnectionPool[AsyncConnection[Any]]
Purpose = Literal["reads", "transactions", "batches"]


class Keeper(Protocol):
    """Keeps connections of a pool while it does not use them."""

    async def close(self) -> None:
        """Return the connections, because the pool is about to be closed."""


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Purpose, Pool]] = WeakKeyDictionary()
_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Keeper]] = WeakKeyDictionary()


@asynccontextmanager
async def connection() -> AsyncIterator[AsyncConnection[Any]]:
    """Borrow a connection in autocommit mode from the running loop's pool.

    Raises:
        psycopg_pool.PoolTimeout: no connection was free, or the database was unavailable, for POOL_TIMEOUT_SECONDS.
        WaitInTransaction: a transaction is open, which would wait for a second connection.
    """
    refuse_in_transaction("another connection")
    async with (await _open("reads")).connection() as borrowed:
        yield borrowed


@asynccontextmanager
async def transaction_connection() -> AsyncIterator[AsyncConnection[Any]]:
    """Borrow a connection for a service's transaction. Raises as `connection` does."""
    refuse_in_transaction("a second transaction")
    async with (await _open("transactions")).connection() as borrowed:
        yield borrowed


@asynccontextmanager
async def batch_connection() -> AsyncIterator[AsyncConnection[Any]]:
    """Borrow a connection for a batch of verifications. Raises as `connection` does."""
    refuse_in_transaction("a batch")
    async with (await _open("batches")).connection() as borrowed:
        yield borrowed


@asynccontextmanager
async def replacement_connection(purpose: Purpose) -> AsyncIterator[AsyncConnection[Any]]:
    """Borrow a connection for a transaction that has lost its own before anything had run. Raises PoolTimeout.

    Closes all idle connections before: they are most likely lost too.
    """
    await _drain_pools()
    async with (await _open(purpose)).connection() as borrowed:
        yield borrowed


@asynccontextmanager
async def long_running_transaction() -> AsyncIterator[AsyncConnection[Any]]:
    """Borrow a connection as `connection` does, with a transaction for statements that read whole tables.

    Each may take 30 minutes, and is planned for its values.
    """
    values = {"statement_timeout": "30min", "plan_cache_mode": "auto", **dict.fromkeys(READS_WHOLE_TABLES, "on")}
    async with connection() as borrowed, borrowed.transaction():
        if borrowed.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
            values["transaction_timeout"] = "0"
        # No query, unlike a block: the caller may still set the isolation level.
        statements = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in values.items())
        await borrowed.execute(statements, prepare=False)
        yield borrowed


@asynccontextmanager
async def search_transaction() -> AsyncIterator[AsyncConnection[Any]]:
    """Borrow a connection as `connection` does, with a transaction whose statements are planned for their values."""
    values = {
        **STATEMENT_SETTINGS,
        "lock_timeout": READ_LOCK_TIMEOUT,
        "plan_cache_mode": "force_custom_plan",
        **dict.fromkeys(READS_WHOLE_TABLES, "on"),
    }
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute(_local_settings(values), prepare=False)
        yield borrowed


def transaction_settings(lock_timeout: str) -> str | None:
    """Return the statement that a transaction through a pooler begins with, or None without a pooler."""
    return _settings_block(lock_timeout) if settings.DATABASE_POOLER else None


@cache
def _settings_block(lock_timeout: str) -> str:
    return _local_settings(
        {**STATEMENT_SETTINGS, "lock_timeout": lock_timeout, "idle_in_transaction_session_timeout": "15s"}
    )


def _local_settings(values: Mapping[str, str]) -> str:
    return SETTINGS_BLOCK % ", ".join(f"set_config('{name}', '{value}', true)" for name, value in values.items())


async def open_pools() -> None:
    """Open all pools of the running loop without waiting for the database."""
    for purpose in get_args(Purpose):
        await _open(purpose)


def close_before_pools(keeper: Keeper) -> None:
    """Close the keeper of connections when the running loop's pools are closed."""
    _keepers.setdefault(asyncio.get_running_loop(), []).append(keeper)


async def close_pools() -> None:
    """Close the running loop's pools, if it has any."""
    loop = asyncio.get_running_loop()
    for keeper in _keepers.pop(loop, ()):
        await keeper.close()
    for pool in _pools.pop(loop, {}).values():
        await pool.close()


def has_pools() -> bool:
    """Return whether the running loop has opened a pool."""
    return asyncio.get_running_loop() in _pools


async def _open(purpose: Purpose) -> Pool:
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    pool = pools.get(purpose)
    if pool is None:
        pool = pools[purpose] = _new_pool(purpose)
        await pool.open(wait=False)
    return pool


def _new_pool(purpose: Purpose) -> Pool:
    is_for_batches = purpose == "batches"
    return AsyncConnectionPool(
        kwargs=_connection_parameters(TRANSACTION_LOCK_TIMEOUT if purpose == "transactions" else READ_LOCK_TIMEOUT),
        min_size=BATCH_CONNECTIONS_MINIMUM if is_for_batches else 1,
        max_size=BATCH_CONNECTIONS_MAXIMUM if is_for_batches else settings.DATABASE_POOL_SIZE,
        timeout=POOL_TIMEOUT_SECONDS,
        reconnect_timeout=RECONNECT_TIMEOUT_SECONDS,
        configure=_configure,
        check=_check_if_suspicious,
        open=False,
    )


def _connection_parameters(lock_timeout: str) -> dict[str, Any]:
    wrapper = cast("DatabaseWrapper", connections["default"])
    parameters = wrapper.get_connection_params()
    kept = {name: value for name, value in parameters.items() if name not in NOT_FOR_LIBPQ}
    if not settings.DATABASE_POOLER:
        server_settings = {**SERVER_SETTINGS, "lock_timeout": lock_timeout}
        options = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
        kept["options"] = f"{kept.get('options', '')} {options}".strip()
    return {
        **kept,
        "autocommit": True,
        "prepare_threshold": None if settings.DATABASE_POOLER else PREPARE_THRESHOLD,
        "context": _adapters(),
    }


@cache
def _adapters() -> AdaptersMap:
    """Return Django's own loaders, so that rows have the same values as those that Django reads.

    Django's loader of timestamps is written in Python, to convert them to its time zone. The pools' sessions are in UTC
    like Django, so psycopg's, which is written in C, returns the same.
    """
    wrapper = cast("DatabaseWrapper", connections["default"])
    adapters = AdaptersMap(get_adapters_template(settings.USE_TZ, wrapper.timezone))
    adapters.register_loader("timestamptz", TimestamptzLoader)
    return adapters


async def _configure(opened: AsyncConnection[Any]) -> None:
    if settings.DATABASE_POOLER:
        await opened.execute("SET TIME ZONE 'UTC'")  # poolers keep this one for the client
    elif opened.info.server_version >= TRANSACTION_TIMEOUT_SINCE:
        await opened.execute(TRANSACTION_TIMEOUT)


async def _check_if_suspicious(borrowed: AsyncConnection[Any]) -> None:
    # The socket of an idle connection is readable only if the server has closed it or sent a notice. Only then is the
    # connection checked by a round trip.
    poll = select.poll()
    poll.register(borrowed.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if poll.poll(0):
        try:
            await AsyncConnectionPool.check_connection(borrowed)
        except Error:
            # The other connections are most likely lost too, and the pool would pause longer for each one it checks.
            await _drain_pools()
            raise


async def _drain_pools() -> None:
    for pool in _pools[asyncio.get_running_loop()].values():
        await pool.drain()


def check_for_django(opened: Connection[Any]) -> None:
    """Check a connection of Django's own pool; if it is lost, replace all of them. Raises psycopg's errors."""
    try:
        ConnectionPool.check_connection(opened)
    except Error:
        cast("DatabaseWrapper", connections["default"]).pool.drain()
        raise
