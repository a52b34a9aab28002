"""The transaction of a service: `async with transaction():`, and inside it the whole story, top to bottom.

    async with transaction():
        await self._accounts.lock(user_id)
        balance = await self._balances.lock(user_id)
        …
        await self._audit.record(event)

Repository methods run on the transaction that is open in their task, or on a pool where none is. Nothing leaves the
event loop: statements travel in libpq's pipeline mode, BEGIN with the first of them. The transaction commits at the end
of the block; it rolls back when the block raises, or its task is cancelled because the client disconnected or a
deadline passed.

Transactions do not nest: what opens its own is refused inside another (`WaitInTransaction`), as is everything that
waits for anything but the transaction's connection. Row locks are taken in the order of
`apps.core.database.lock_order`. A statement that PostgreSQL refuses, for a constraint or a timeout, rolls back the
whole transaction.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from apps.core.database.open_transaction import enter_transaction, leave_transaction
from apps.core.database.pipeline.service_transaction import ServiceTransaction
from apps.core.database.pool import transaction_connection
from apps.core.errors import Unavailable

WAITING_MAXIMUM = 1000  # transactions that run or wait for a place, on one event loop
PLACE_SECONDS_MAXIMUM = 15
OUTAGE_SECONDS = 1.0


class _Places:
    """How many transactions one event loop runs at once, and until when it takes the database to be unavailable.

    Without the latter each of many callers would wait out the pool's timeout in turn.
    """

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(settings.DATABASE_POOL_SIZE)
        self.taken_or_awaited = 0
        self.unavailable_until = 0.0


_places: WeakKeyDictionary[asyncio.AbstractEventLoop, _Places] = WeakKeyDictionary()


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """Open a transaction for everything that is awaited in the block.

    Raises:
        Unavailable: too many transactions wait, or the database cannot be reached.
        ConstraintViolated: a constraint refuses a statement, or the commit.
        WaitInTransaction: a transaction is open in the task already.
    """
    async with _place() as places, _connection(places) as borrowed:
        pipelined = ServiceTransaction(borrowed)
        opened = enter_transaction(pipelined)
        try:
            yield
            await pipelined.commit()
        except BaseException:
            await pipelined.roll_back()
            raise
        finally:
            leave_transaction(opened)
            pipelined.close()


@asynccontextmanager
async def _place() -> AsyncIterator[_Places]:
    places = _places.setdefault(asyncio.get_running_loop(), _Places())
    if places.taken_or_awaited >= WAITING_MAXIMUM:
        raise Unavailable("Too many requests are waiting. Retry shortly.")
    places.taken_or_awaited += 1
    try:
        try:
            async with asyncio.timeout(PLACE_SECONDS_MAXIMUM):
                await places.free.acquire()
        except TimeoutError as error:
            raise Unavailable("Too many requests are waiting. Retry shortly.") from error
        try:
            yield places
        finally:
            places.free.release()
    finally:
        places.taken_or_awaited -= 1


@asynccontextmanager
async def _connection(places: _Places) -> AsyncIterator[AsyncConnection[Any]]:
    if time.monotonic() < places.unavailable_until:
        raise Unavailable("The database is unavailable. Retry shortly.")
    async with AsyncExitStack() as stack:
        try:
            borrowed = await stack.enter_async_context(transaction_connection())
        except PoolTimeout:
            places.unavailable_until = time.monotonic() + OUTAGE_SECONDS
            raise
        yield borrowed
