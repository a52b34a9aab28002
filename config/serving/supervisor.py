"""Starts the worker processes, replaces those that die, and stops them all."""

import logging
import multiprocessing
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType

from config.serving.server import STOP_SIGNALS, Address, run_worker

logger = logging.getLogger("keyhouse.serve")

# A worker that has not ended by then is killed. Longer than it drains (`server.DRAIN_SECONDS`).
GRACE_SECONDS = 15
DEATHS_MAXIMUM = 40
DEATHS_SECONDS = 60
SIGNALS = (*STOP_SIGNALS, signal.SIGHUP)


class AddressTaken(Exception):
    """Another program listens on the address, or it is none of this machine's."""


class TooManyDeaths(Exception):
    """More than DEATHS_MAXIMUM workers have died within DEATHS_SECONDS."""


class WorkerDeaths:
    """The times of the workers' deaths."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def add(self) -> None:
        """Record a death now. Raises TooManyDeaths."""
        now = time.monotonic()
        self._times.append(now)
        while now - self._times[0] > DEATHS_SECONDS:
            self._times.popleft()
        if len(self._times) > DEATHS_MAXIMUM:
            raise TooManyDeaths


@contextmanager
def reserved(address: Address) -> Iterator[None]:
    """Keep the address for the workers of this process alone. Raises AddressTaken.

    Workers share their port by SO_REUSEPORT, by which a second server of the same user could share it too.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        # Without SO_REUSEADDR, so that the probe of another server fails, although this socket does not listen.
        reservation = address.bound_socket(shares_address=False)
    except OSError as error:
        raise AddressTaken(f"cannot listen on {address.host}:{address.port}: {error.strerror}") from error
    with reservation:
        yield


class Supervisor:
    """Keeps a number of workers running until SIGTERM, SIGINT or SIGHUP."""

    def __init__(self, address: Address, workers: int) -> None:
        # Spawned: a forked worker would inherit this process' thread pools without their threads, and wait for them
        # forever.
        self._context = multiprocessing.get_context("spawn")
        self._address = address
        self._number = workers
        self._workers: list[BaseProcess] = []
        self._deaths = WorkerDeaths()
        self._is_stopping = False

    def run(self, when_started: Callable[[], None]) -> None:
        """Serve until a signal; call `when_started` once the processes have begun. Raises TooManyDeaths."""
        with _woken_by_signals(self._receive) as wakened:
            try:
                self._start_missing()
                when_started()
                while not self._is_stopping:
                    wait([wakened, *(worker.sentinel for worker in self._workers)])
                    self._replace_dead()
            finally:
                self._stop()

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _start_missing(self) -> None:
        while len(self._workers) < self._number and not self._is_stopping:
            worker = self._context.Process(target=run_worker, args=[self._address])
            before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # the worker inherits it
            try:
                worker.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._workers.append(worker)

    def _replace_dead(self) -> None:
        dead = [worker for worker in self._workers if not worker.is_alive()]
        self._workers = [worker for worker in self._workers if worker not in dead]
        if self._is_stopping:
            return
        for worker in dead:
            logger.error("worker %s has ended with status %s; starting another", worker.pid, worker.exitcode)
            self._deaths.add()
        self._start_missing()

    def _stop(self) -> None:
        for worker in self._workers:
            worker.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            if worker.is_alive():
                logger.warning("worker %s has not ended in %d s and is killed", worker.pid, GRACE_SECONDS)
                worker.kill()
                worker.join()


@contextmanager
def _woken_by_signals(receive: Callable[[int, FrameType | None], None]) -> Iterator[socket.socket]:
    """Call `receive` at each signal inside the block, and yield a socket that then has something to read.

    A signal may come between a look at what it sets and the wait for it; the socket keeps it.
    """
    wakened, waker = socket.socketpair()
    with wakened, waker:
        waker.setblocking(False)
        previous = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, receive) for number in SIGNALS}
        try:
            yield wakened
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous)
