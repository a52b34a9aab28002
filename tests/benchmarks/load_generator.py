"""Asks a server as fast as Python can: HTTP/1.1 on kept connections, from bytes that were built before.

It runs in a process of its own, so that it takes nothing from the server's event loop.
"""

import asyncio
import gc
import re
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from multiprocessing import get_context
from time import perf_counter, process_time
from typing import cast

import uvloop

HOST = "127.0.0.1"
STRAGGLER_SECONDS = 10
OK = b"HTTP/1.1 200"
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is sent, and what the answer's body must hold."""

    request: bytes
    expected: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """So many connections, each with one request under way, for so long. `operation` is a place in the list.

    On a busy machine it goes on until there is a response to count, for up to STRAGGLER_SECONDS.
    """

    operation: int
    port: int
    connections: int
    warm_up_seconds: float
    measured_seconds: float


@dataclass(slots=True)
class Sample:
    """What a load got: the latencies of the answers in the measured time, and what was wrong with any answer."""

    seconds: float
    latencies: array[float] = field(default_factory=lambda: array("d"))
    failures: list[str] = field(default_factory=list)
    busy: float = 0.0  # the share of the time in which the load generator itself was at work


def load_process(exchanges: Sequence[Sequence[Exchange]]) -> ProcessPoolExecutor:
    """Return a process that takes calls of `apply`, and knows each operation's exchanges."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_remember, initargs=(exchanges,))


def apply(load: Load) -> Sample:
    """Put the load on the server and return what came of it; goes on in the exchanges where the last call ended."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_apply(load))


_exchanges: list[Iterator[Exchange]] = []


def _remember(exchanges: Sequence[Sequence[Exchange]]) -> None:
    _exchanges.extend(cycle(asked) for asked in exchanges)
    gc.freeze()


async def _apply(load: Load) -> Sample:
    run = _Run(load)
    loop, at_work = asyncio.get_running_loop(), process_time()
    for _ in range(load.connections):
        await loop.create_connection(lambda: _Connection(run), HOST, load.port)
    try:
        async with asyncio.timeout(load.warm_up_seconds + load.measured_seconds + STRAGGLER_SECONDS):
            await run.ended.wait()
    except TimeoutError:
        run.sample.failures.append(f"{run.open} answers did not come")
    run.sample.busy = (process_time() - at_work) / (perf_counter() - run.began)
    return run.sample


class _Run:
    """What the connections of one load share."""

    def __init__(self, load: Load) -> None:
        self.began = perf_counter()
        self.measured_from = self.began + load.warm_up_seconds
        self.measured_to = self.measured_from + load.measured_seconds
        self.exchanges = _exchanges[load.operation]
        self.sample = Sample(load.measured_seconds)
        self.open = load.connections
        self.ended = asyncio.Event()

    def goes_on(self, now: float) -> bool:
        """Return whether there is time left, or nothing to count yet."""
        return now < self.measured_to or not (self.sample.latencies or self.sample.failures)

    def count(self, sent_at: float, now: float) -> None:
        """Take the latency of a right answer if it came in the measured time."""
        if now < self.measured_from or not self.goes_on(now):
            return
        self.sample.latencies.append(now - sent_at)
        self.sample.seconds = max(self.sample.seconds, now - self.measured_from)

    def close_one(self) -> None:
        self.open -= 1
        if not self.open:
            self.ended.set()


class _Connection(asyncio.Protocol):
    """Sends a request as soon as the last one's answer is complete, until the time is over."""

    _transport: asyncio.Transport
    _expected: bytes
    _sent_at: float

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send(perf_counter())

    def data_received(self, data: bytes) -> None:
        data = self._received + data if self._received else data
        head_end = data.find(HEAD_END)
        length = CONTENT_LENGTH.search(data, 0, head_end + 2)
        if head_end < 0 or (length and len(data) < head_end + len(HEAD_END) + int(length[1])):
            self._received = data
            return
        self._received = b""
        self._take(data, length is not None and data.find(self._expected, head_end) >= 0)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waits:
            self._run.sample.failures.append(f"connection lost: {exc}")
        self._run.close_one()

    def _take(self, answer: bytes, is_right: bool) -> None:
        now = perf_counter()
        if not is_right or not answer.startswith(OK):
            self._run.sample.failures.append(answer.decode("latin1"))
        else:
            self._run.count(self._sent_at, now)
        self._send(now)

    def _send(self, now: float) -> None:
        self._waits = self._run.goes_on(now)
        if not self._waits:
            self._transport.close()
            return
        exchange = next(self._run.exchanges)
        self._expected, self._sent_at = exchange.expected, now
        self._transport.write(exchange.request)
