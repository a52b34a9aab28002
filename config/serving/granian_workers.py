"""Corrects how granian 2.8 stops and restarts its workers."""

import asyncio
import time
from collections import deque
from contextlib import suppress
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from typing import Any

from granian import _signals as granian_signals
from granian._granian import WorkerSignal
from granian.server.mp import MPServer

DEATHS_MAXIMUM = 40
DEATHS_SECONDS = 60


def run_worker(*arguments: Any, **options: Any) -> None:
    """Run a worker as granian does, and tolerate repeated signals.

    granian's `WorkerSignal.set()` blocks forever, holding the interpreter's lock, when it is called a second time. A
    worker often gets a signal twice: Ctrl-C goes to every process of a terminal, `systemctl stop` to every process of a
    service, and the server's own process signals its workers too. So only the first one counts.
    """
    granian_signals.set_loop_signals = stop_at_first_signal
    # The loop removes its handlers when it closes; a signal that comes later must not break the shutdown either.
    with suppress(KeyboardInterrupt):
        MPServer._spawn_asgi_lifespan_worker(*arguments, **options)
    for number in (SIGINT, SIGTERM):
        signal(number, SIG_IGN)


def stop_at_first_signal(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """Return a signal that is set once, at the first SIGINT or SIGTERM; replaces granian's own function."""
    stop = WorkerSignal()
    received: list[int] = []

    def receive(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            stop.set()

    for number in (SIGINT, SIGTERM):
        loop.add_signal_handler(number, receive, number)
    return stop


class WorkerDeaths(dict[int, float]):
    """Tolerates DEATHS_MAXIMUM deaths of workers within DEATHS_SECONDS before the server ends.

    granian ends when a worker dies within 5.5 seconds of having replaced another, for example after two kills by the
    out-of-memory killer; then nothing serves until the server is restarted. This replaces granian's record of the times
    of replacements, which it reads at each death.
    """

    def __init__(self) -> None:
        super().__init__()
        self._deaths: deque[float] = deque()

    def get(self, index: int, default: Any = None) -> Any:
        """Return when the worker was started, or `default` (long ago) while its death is tolerated."""
        now = time.monotonic()
        self._deaths.append(now)
        while now - self._deaths[0] > DEATHS_SECONDS:
            self._deaths.popleft()
        return default if len(self._deaths) <= DEATHS_MAXIMUM else super().get(index, default)
