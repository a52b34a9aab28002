"""Stopping the server: running requests are finished, and no process remains."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from signal import SIGINT, SIGTERM

import httpx
import psutil
import pytest

from tests.support.people import PASSWORD
from tests.support.server import Server, separate_database, start_server

SIGN_UPS = 24  # each hashes a password, on two threads: together about a second's work
STOP_SECONDS_MAXIMUM = 5.0  # it takes half a second; granian's patience ends after fifteen
WAYS: dict[str, Callable[[Server], int]] = {
    "terminated": lambda server: server.stop(SIGTERM),
    "interrupted": lambda server: server.stop(SIGINT),
    "interrupted by a terminal": Server.interrupt_like_a_terminal,
}


@pytest.fixture
def stopped_in_the_end(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, which the test stops."""
    name = f"keyhouse_stopped_{os.getpid()}"
    with separate_database(os.environ["DATABASE_URL"], name) as url, start_server(url, tmp_path) as server:
        yield server


@pytest.mark.parametrize("stop", WAYS.values(), ids=WAYS.keys())
def test_running_requests_are_finished(stopped_in_the_end: Server, stop: Callable[[Server], int]):
    server = stopped_in_the_end
    processes = psutil.Process(server.process.pid).children(recursive=True)
    assert len(processes) >= 2
    with ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(SIGN_UPS)]
        answers = _sign_up_slowly(stack.enter_context(ThreadPoolExecutor(SIGN_UPS)), clients)
        started = time.monotonic()
        status = stop(server)
        took = time.monotonic() - started
        unfinished = [answer for answer in answers if not answer.done()]
        statuses = [answer.result(timeout=1).status_code for answer in answers]

    assert (status, server.errors) == (0, "")
    assert statuses == [201] * SIGN_UPS
    assert unfinished == []
    assert took < STOP_SECONDS_MAXIMUM
    _, alive = psutil.wait_procs(processes, timeout=2)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("stop", WAYS.values(), ids=WAYS.keys())
def test_idle_connections_do_not_delay_the_stop(stopped_in_the_end: Server, stop: Callable[[Server], int]):
    server = stopped_in_the_end
    with ExitStack() as stack:
        for path in ("/health/ready", "/api/v1/users/me", "/docs", "/admin/login/"):
            client = stack.enter_context(server.client())
            assert client.get(path).status_code in {200, 401}
            assert client.head(path).status_code in {200, 401}
        started = time.monotonic()
        status = stop(server)
        took = time.monotonic() - started

    assert (status, server.errors) == (0, "")
    assert took < STOP_SECONDS_MAXIMUM


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
