"""Sends requests as fast as Python can: HTTP/1.1 on kept connections, from bytes that are ready, without a framework.

It runs in a process of its own, so that it takes nothing from the server's event loop, and costs the machine little: a
response must have a Content-Length, and only what is judged of it is read.
"""

import gc
import os
import re
import selectors
import socket
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from random import Random
from time import perf_counter

from tests.benchmarks.processor_time import Used

HOST = "127.0.0.1"
STRAGGLER_SECONDS = 10
RECEIVED_MAXIMUM = 65_536
OK = b"HTTP/1.1 200"
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is sent, what the response's body must hold, and what it must begin with."""

    request: bytes
    expected: bytes
    beginning: bytes = b""


@dataclass(frozen=True, slots=True)
class Load:
    """So many connections, each with one request under way. `operation` is a place in the list.

    What is sent before `measured_from`, a moment of `perf_counter`, which all processes share, warms up. On a busy
    machine the load goes on until there is a response to count, for up to STRAGGLER_SECONDS. With `each_once` it ends
    when everything was sent once; otherwise the exchanges come in random order.
    """

    operation: int
    port: int
    connections: int
    measured_from: float
    measured_seconds: float
    each_once: bool = False


@dataclass(slots=True)
class Sample:
    """What a load got: the latencies of the responses in the measured time, and what was wrong with any response."""

    seconds: float
    latencies: array[float] = field(default_factory=lambda: array("d"))
    failures: list[str] = field(default_factory=list)
    used: Used = field(default_factory=Used)  # meanwhile, as the measuring process sees it

    @property
    def rate(self) -> float:
        """Responses a second."""
        return len(self.latencies) / self.seconds


def load_process(exchanges: Sequence[Sequence[Exchange]]) -> ProcessPoolExecutor:
    """Return a process that takes calls of `apply`, and knows each operation's exchanges."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_remember, initargs=(exchanges,))


def process_id(process: ProcessPoolExecutor) -> int:
    """Return the id of the process that applies loads."""
    return process.submit(os.getpid).result()


def apply(load: Load) -> Sample:
    """Put the load on the server and return what came of it; random exchanges go on where the last call ended."""
    exchanges = iter(_exchanges[load.operation]) if load.each_once else _in_random_order[load.operation]
    run = _Run(load, exchanges)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(load.connections):
            connection = stack.enter_context(socket.create_connection((HOST, load.port)))
            _Connection(run, connection, selector).send(perf_counter())
        while run.open and (left := run.ends_at - perf_counter()) > 0:
            for key, _ in selector.select(left):
                key.data()
    if run.open:
        run.sample.failures.append(f"{run.open} responses did not come")
    return run.sample


def random_order(exchanges: Sequence[Exchange], seed: int) -> Iterator[Exchange]:
    """Yield exchanges without end, in a random order that the seed determines."""
    random, number = Random(seed).random, len(exchanges)
    while True:
        yield exchanges[int(random() * number)]


_exchanges: list[Sequence[Exchange]] = []
_in_random_order: list[Iterator[Exchange]] = []


def _remember(exchanges: Sequence[Sequence[Exchange]]) -> None:
    _exchanges.extend(exchanges)
    _in_random_order.extend(random_order(each, seed) for seed, each in enumerate(exchanges))
    gc.freeze()


class _Run:
    """What the connections of one load share."""

    def __init__(self, load: Load, exchanges: Iterator[Exchange]) -> None:
        self.measured_from = load.measured_from
        self.measured_to = load.measured_from + load.measured_seconds
        self.ends_at = self.measured_to + STRAGGLER_SECONDS
        self.exchanges = exchanges
        self.sample = Sample(0.0 if load.each_once else load.measured_seconds)
        self.open = 0

    def next_exchange(self, now: float) -> Exchange | None:
        """Return what to send next, or None if there is no time left, unless there is nothing to count yet."""
        return next(self.exchanges, None) if self._goes_on(now) else None

    def count(self, sent_at: float, now: float) -> None:
        """Take the latency of a right response if it came in the measured time."""
        sample = self.sample
        if now >= self.measured_from and self._goes_on(now):
            sample.latencies.append(now - sent_at)
            sample.seconds = max(sample.seconds, now - self.measured_from)

    def _goes_on(self, now: float) -> bool:
        return now < self.measured_to or not (self.sample.latencies or self.sample.failures)


class _Connection:
    """Sends a request as soon as the last one's response is complete, until the time is over."""

    __slots__ = ("_beginning", "_expected", "_received", "_run", "_selector", "_sent_at", "_socket")

    def __init__(self, run: _Run, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        self._run = run
        self._socket = connection
        self._selector = selector
        self._received = self._expected = self._beginning = b""
        self._sent_at = 0.0
        run.open += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, self.receive)

    def send(self, now: float) -> None:
        """Send the next request, or close the connection if there is none."""
        exchange = self._run.next_exchange(now)
        if exchange is None:
            self._close()
            return
        self._expected, self._beginning, self._sent_at = exchange.expected, exchange.beginning, now
        self._socket.sendall(exchange.request)

    def receive(self) -> None:
        """Take what has come; a complete response is judged, and followed by the next request."""
        try:
            data = self._socket.recv(RECEIVED_MAXIMUM)
        except OSError as error:
            data, reason = b"", str(error)
        else:
            reason = "by the server"
        if not data:
            self._run.sample.failures.append(f"connection lost: {reason}")
            self._close()
            return
        self._judge(self._received + data if self._received else data)

    def _judge(self, data: bytes) -> None:
        head_end = data.find(HEAD_END)
        length = CONTENT_LENGTH.search(data, 0, head_end + 2)
        if head_end < 0 or (length and len(data) < head_end + len(HEAD_END) + int(length[1])):
            self._received = data
            return
        self._received, now = b"", perf_counter()
        if (
            length
            and data.startswith(OK)
            and data.startswith(self._beginning, head_end + len(HEAD_END))
            and data.find(self._expected, head_end) >= 0
        ):
            self._run.count(self._sent_at, now)
        else:
            self._run.sample.failures.append(data.decode("latin1"))
        self.send(now)

    def _close(self) -> None:
        self._run.open -= 1
        self._selector.unregister(self._socket)
        self._socket.close()
