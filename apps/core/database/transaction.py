"""The transaction of a service: `async with transaction():` encloses all statements that belong together.

    async with transaction():
        await self._accounts.lock(user_id)
        balance = await self._balances.lock(user_id)
        …
        await self._audit.record(event)

Repository methods run on the transaction that is open in their task, or on a pool when none is open. Nothing leaves the
event loop: statements are sent in libpq's pipeline mode, BEGIN together with the first. The transaction commits at the
end of the block. It rolls back when the block raises, or when its task is cancelled because the client disconnected or
a deadline passed.

Transactions do not nest: opening a transaction inside another raises `WaitInTransaction`, as does waiting for anything
other than the transaction's connection. Row locks must be taken in the order of `apps.core.database.lock_order`. A
statement that fails, because of a constraint or a timeout, rolls back the whole transaction.
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

from apps.core.database.open_transaction import enter_transaction, leave_transaction, refuse_in_transaction
from apps.core.database.pipeline.service_transaction import ServiceTransaction
from apps.core.database.pool import transaction_connection
from apps.core.errors import Unavailable

WAITING_MAXIMUM = 1000  # transactions that run or wait for a slot, per event loop
SLOT_WAIT_SECONDS_MAXIMUM = 15
OUTAGE_SECONDS = 1.0


class _Slots:
    """The slots for concurrent transactions of one event loop.

    Until `unavailable_until`, transactions fail without a connection attempt. Otherwise each of many callers would wait
    for the pool's timeout, one after another.
    """

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(settings.DATABASE_POOL_SIZE)
        self.taken_or_awaited = 0
        self.unavailable_until = 0.0
        self.has_failed = False  # the last transaction got no connection


_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, _Slots] = WeakKeyDictionary()


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """Open a transaction for all statements that are awaited in the block.

    Raises:
        Unavailable: too many transactions wait, or the database cannot be reached.
        ConstraintViolated: a statement or the commit violates a constraint.
        WaitInTransaction: a transaction is already open in the task.
    """
    refuse_in_transaction("a second transaction")  # before the wait for a slot
    async with _slot() as slots, _connection(slots) as borrowed, AsyncExitStack() as borrowing:
        pipelined = ServiceTransaction(borrowed, borrowing)
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
async def _slot() -> AsyncIterator[_Slots]:
    slots = _slots.setdefault(asyncio.get_running_loop(), _Slots())
    if slots.taken_or_awaited >= WAITING_MAXIMUM:
        raise Unavailable("Too many requests are waiting. Retry shortly.")
    slots.taken_or_awaited += 1
    try:
        try:
            async with asyncio.timeout(SLOT_WAIT_SECONDS_MAXIMUM):
                await slots.free.acquire()
        except TimeoutError as error:
            raise Unavailable("Too many requests are waiting. Retry shortly.") from error
        try:
            yield slots
        finally:
            slots.free.release()
    finally:
        slots.taken_or_awaited -= 1


@asynccontextmanager
async def _connection(slots: _Slots) -> AsyncIterator[AsyncConnection[Any]]:
    if time.monotonic() < slots.unavailable_until:
        raise Unavailable("The database is unavailable. Retry shortly.")
    async with AsyncExitStack() as stack:
        try:
            borrowed = await stack.enter_async_context(transaction_connection())
        except PoolTimeout:
            slots.unavailable_until = time.monotonic() + OUTAGE_SECONDS
            slots.has_failed = True
            raise
        slots.has_failed = False
        yield borrowed


async def require_transactions() -> None:
    """Borrow a connection for transactions if the last one got none. Raises Unavailable, PoolTimeout."""
    slots = _slots.get(asyncio.get_running_loop())
    if slots is not None and slots.has_failed:
        async with _connection(slots):
            pass
