"""Between the event loop and threads: services called from synchronous code, and blocking calls of services."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread

from asgiref.sync import async_to_sync

from apps.core.database.open_transaction import refuse_in_transaction
from apps.core.database.pool import close_pools, has_pools


def call_service[**P, R](function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run an async service function and return its result.

    Inside the server it runs on the server's event loop and pools. In commands and tests it runs on a new event loop,
    and closes the connections before the loop ends.
    """

    async def call() -> R:
        uses_server_pools = has_pools()
        try:
            return await function(*args, **kwargs)
        finally:
            if not uses_server_pools:
                await close_pools()

    return async_to_sync(call)()


async def run_in_daemon_thread[R](function: Callable[[], R], name: str) -> R:
    """Run `function` on its own thread, and return its result or raise its exception.

    Intended for functions that wait for something other than the database. The process does not wait for the thread at
    its exit, and the thread continues when the caller is cancelled. Callers limit the number of threads.
    """
    refuse_in_transaction("a thread")
    outcome: Future[R] = Future()
    outcome.set_running_or_notify_cancel()  # it can no longer be cancelled with the caller

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  raised again where it is awaited
            outcome.set_exception(error)

    Thread(target=copy_context().run, args=[run], name=name, daemon=True).start()
    return await asyncio.wrap_future(outcome)
