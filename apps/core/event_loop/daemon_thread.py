"""Runs blocking functions on daemon threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread

from apps.core.database.open_transaction import refuse_in_transaction


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
