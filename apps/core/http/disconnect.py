"""Notices that a client has hung up while it was waiting."""

import asyncio
from typing import Self

from apps.core.http.asgi_types import Receive

# Most answers take less, and to watch costs a task.
WATCHED_AFTER_SECONDS = 0.25


class ClientDisconnected(Exception):
    """The client hung up before it had its answer."""


class DisconnectWatch:
    """A context that is left with ClientDisconnected when the client hangs up, so that nobody works for it in vain."""

    def __init__(self, receive: Receive) -> None:
        self._has_happened = False
        self._receive = receive
        self._task = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCHED_AFTER_SECONDS, self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if self._has_happened and isinstance(error, asyncio.CancelledError):
            raise ClientDisconnected from None

    def _begin(self) -> None:
        self._watch = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self._task is not None:
            self._has_happened = True
            self._task.cancel()
