"""The longest that a request is worked on before its client is told to come back."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Deadline:
    """Runs `when_passed` and cancels the current task, unless called off before `seconds` are over.

    The refusal is a task of its own: what hangs may hang in its cancellation too (a query to a frozen database
    waits for the server to confirm that it is cancelled), and the client must not wait for that.
    """

    def __init__(self, seconds: float, when_passed: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.has_passed = False
        self._task = asyncio.current_task()
        self._when_passed = when_passed
        self._refusal: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pass)

    def call_off(self) -> None:
        """Let the request finish on its own."""
        self._timer.cancel()

    def _pass(self) -> None:
        self.has_passed = True
        self._refusal = asyncio.create_task(self._when_passed())
        if self._task is not None:
            self._task.cancel()
