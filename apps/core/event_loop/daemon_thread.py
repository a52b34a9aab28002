"""A thread for what blocks."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread

from apps.core.database.open_transaction import refuse_in_transaction


async def run_in_daemon_thread[R](function: Callable[[], R], name: str) -> R:
    """Run `function` on a thread of its own, and return what it returns or raise what it raises.

    For what waits for others than the database. The process does not wait for the thread when it ends, nor does the
    thread end when the caller is cancelled. Who calls this bounds how many there are.
    """
    refuse_in_transaction("a thread")
    outcome: Future[R] = Future()
    outcome.set_running_or_notify_cancel()  # from now on it is not cancelled with the caller

    def run() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:  # noqa: BLE001  raised again where it is awaited
            outcome.set_exception(error)

    Thread(target=copy_context().run, args=[run], name=name, daemon=True).start()
    return await asyncio.wrap_future(outcome)
