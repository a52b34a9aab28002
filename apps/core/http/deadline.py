"""The time limit for handling a request."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


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

    def _pass(self) -> None:
        self.has_passed = True
        self._timeout = asyncio.create_task(self._on_timeout())
        if self._task is not None:
            self._task.cancel()
