"""How a worker process is told to stop.

granian 2.8's `WorkerSignal.set()` blocks for ever, holding the interpreter's lock, when it is called a second time.
And a worker is often told twice: Ctrl-C goes to every process of a terminal, `systemctl stop` to every process of a
service, and the server's own process tells its workers too. So only the first time counts.
"""

import asyncio
from contextlib import suppress
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from typing import Any

from granian import _signals as granian_signals
from granian._granian import WorkerSignal
from granian.server.mp import MPServer


def run_worker(*arguments: Any, **options: Any) -> None:
    """Live a worker's whole life: granian's own, with signals that may come more than once."""
    granian_signals.set_loop_signals = stop_at_first_signal
    # The loop takes its handlers away when it closes: what is told after that must not break the ending either.
    with suppress(KeyboardInterrupt):
        MPServer._spawn_asgi_lifespan_worker(*arguments, **options)
    for number in (SIGINT, SIGTERM):
        signal(number, SIG_IGN)


def stop_at_first_signal(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
    """Return what is set, once, when SIGINT or SIGTERM comes, however often; in place of granian's own."""
    told_to_stop = WorkerSignal()
    told: list[int] = []

    def tell(number: int) -> None:
        told.append(number)
        if len(told) == 1:
            told_to_stop.set()

    for number in (SIGINT, SIGTERM):
        loop.add_signal_handler(number, tell, number)
    return told_to_stop
