"""Detects clients that disconnect before their response."""

import asyncio
from typing import Self

from apps.core.http.asgi_types import Receive

# Most requests take less time, and watching needs a task.
WATCH_DELAY_SECONDS = 0.25


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
