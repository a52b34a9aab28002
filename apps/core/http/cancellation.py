"""Cancels the handling of a request: after a time limit, or when the client disconnects."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

from apps.core.http.asgi import Receive

# Most requests take less time, and watching for a disconnect needs a task.
WATCH_DELAY_SECONDS = 0.25


class Deadline:
    """Runs `on_timeout` and cancels the current task after `seconds`, unless `cancel` is called before.

    `on_timeout` runs in its own task. A task that hangs may hang in its cancellation too (a query to a frozen database
    waits until the server confirms the cancellation), and the client must not wait for that.
    """

    def __init__(self, seconds: float, on_timeout: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.has_passed = False
        self._task = asyncio.current_task()
        self._on_timeout = on_timeout
        self._timeout: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pass)

    def cancel(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    async def response_sent(self) -> None:
        """Wait until `on_timeout` has run, if the time limit has passed."""
        if self._timeout is not None:
            await self._timeout

    def _pass(self) -> None:
        self.has_passed = True
        self._timeout = asyncio.create_task(self._on_timeout())
        if self._task is not None:
            self._task.cancel()


class ClientDisconnected(Exception):
    """The client disconnected before the response."""


class DisconnectWatch:
    """A context manager that cancels its block and raises ClientDisconnected when the client disconnects."""

    def __init__(self, receive: Receive) -> None:
        self._has_disconnected = False
        self._receive = receive
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_DELAY_SECONDS, self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if self._has_disconnected and isinstance(error, asyncio.CancelledError):
            raise ClientDisconnected from None

    def _begin(self) -> None:
        self._watch = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self._task is not None:
            self._has_disconnected = True
            self._task.cancel()
