"""Stopping the server: running requests are finished, and no process remains."""

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.support.people import PASSWORD
from tests.support.server import Server, separate_database, start_server

SIGN_UPS = 24  # each hashes a password, on two threads: together about a second's work
STOP_SECONDS_MAXIMUM = 5.0  # it takes half a second; the supervisor's patience ends after fifteen
WAYS: dict[str, Callable[[Server], int]] = {
    "terminated": lambda server: server.stop(SIGTERM),
    "interrupted": lambda server: server.stop(SIGINT),
    "interrupted by a terminal": Server.interrupt_like_a_terminal,
    "interrupted by a terminal, twice": lambda server: _interrupt_twice(server),  # noqa: PLW0108  it is defined below
}


@dataclass(frozen=True)
class Stopped:
    """How a server has stopped that had idle connections and running requests."""

    status: int
    errors: str
    seconds: float
    answers: list[int]
    unfinished: int
    left_running: list[psutil.Process]


@pytest.fixture(scope="module", params=[*WAYS.values()], ids=[*WAYS])
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """A server that was stopped in one of the ways."""
    name, directory = f"keyhouse_stopped_{os.getpid()}", tmp_path_factory.mktemp("server")
    with (
        separate_database(os.environ["DATABASE_URL"], name) as url,
        start_server(url, directory) as server,
        ExitStack() as stack,
    ):
        for path in ("/health/ready", "/api/v1/users/me", "/docs", "/admin/login/"):
            client = stack.enter_context(server.client())
            assert client.get(path).status_code in {200, 401}
            assert client.head(path).status_code in {200, 401}
        return _stop(server, request.param, stack)


def _stop(server: Server, stop: Callable[[Server], int], stack: ExitStack) -> Stopped:
    processes = psutil.Process(server.process.pid).children(recursive=True)
    assert len(processes) >= 2
    clients = [stack.enter_context(server.client()) for _ in range(SIGN_UPS)]
    answers = _sign_up_slowly(stack.enter_context(ThreadPoolExecutor(SIGN_UPS)), clients)
    started = time.monotonic()
    status = stop(server)
    seconds = time.monotonic() - started
    unfinished = sum(not answer.done() for answer in answers)
    statuses = [answer.result(timeout=1).status_code for answer in answers]
    _, alive = psutil.wait_procs(processes, timeout=2)
    left_running = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    return Stopped(status, server.errors, seconds, statuses, unfinished, left_running)


def test_running_requests_are_finished(stopped: Stopped):
    assert (stopped.status, stopped.errors) == (0, "")
    assert stopped.answers == [201] * SIGN_UPS
    assert stopped.unfinished == 0
    assert stopped.left_running == []


def test_idle_connections_do_not_delay_the_stop(stopped: Stopped):
    assert (stopped.status, stopped.errors) == (0, "")
    assert stopped.seconds < STOP_SECONDS_MAXIMUM


def test_connections_that_the_kernel_has_accepted_are_served(tmp_path: Path):
    name = f"keyhouse_accepted_{os.getpid()}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as url,
        start_server(url, tmp_path, WORKERS="1") as server,
        ExitStack() as stack,
    ):
        (worker,) = server.workers
        worker.suspend()  # so that it accepts nothing
        address = urlsplit(server.url)
        sockets = [
            stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=10))
            for _ in range(20)
        ]
        for connection in sockets:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        server.process.send_signal(SIGTERM)
        time.sleep(0.2)  # the worker has the signal before it goes on
        worker.resume()
        answers = [_until_closed(connection) for connection in sockets]
        assert server.process.wait(10) == 0
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * len(sockets)


def _until_closed(connection: socket.socket) -> bytes:
    answer = b""
    while received := connection.recv(65536):
        answer += received
    return answer


def _interrupt_twice(server: Server) -> int:
    os.killpg(server.process.pid, SIGINT)
    time.sleep(0.05)
    return server.interrupt_like_a_terminal()


def _sign_up_slowly(threads: ThreadPoolExecutor, clients: list[httpx.Client]) -> list[Future[httpx.Response]]:
    """Send every client's sign-up, and return when the first is answered and the others are under way."""
    for client in clients:
        client.get("/health").raise_for_status()  # connected before the race begins
    answers = [threads.submit(client.post, "/api/v1/users", json=_account(n)) for n, client in enumerate(clients)]
    deadline = time.monotonic() + 10
    while not any(answer.done() for answer in answers) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not all(answer.done() for answer in answers)
    return answers


def _account(number: int) -> dict[str, str]:
    return {"email": f"user{number}@example.com", "username": f"user{number}", "password": PASSWORD}
