"""Messages that a running server sends: with its mail server unavailable, slow, and its workers killed."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.mail_server import Inbox, mail_server
from tests.support.server import PROJECT, Server, free_port, separate_database, start_server

DELIVERY_SECONDS_MAXIMUM = 15.0
STOP_SECONDS_MAXIMUM = 5.0
# As though the claim of a killed worker, or the wait after a failure, were over.
MAKE_DUE = "UPDATE outgoing_mails SET due_at = now() WHERE sent_at IS NULL"
STATES = "SELECT sent_at IS NOT NULL, attempts, error FROM outgoing_mails ORDER BY id"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the mail server is, when it is there."""
    return free_port()


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Keyhouse whose mail goes there; at the end it has to stop cleanly."""
    with served(port, tmp_path_factory.mktemp("server"), "shared") as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.errors


@pytest.fixture
def inbox(server: Server, port: int) -> Inbox:
    """An empty inbox, which the test serves, and nothing that waits for it."""
    query(server, "DELETE FROM outgoing_mails")
    return Inbox(port)


@contextmanager
def served(port: int, directory: Path, name: str) -> Iterator[Server]:
    """Serve a Keyhouse whose mail goes to this port."""
    settings = {"MAIL_URL": Inbox(port).url, "MAIL_FROM": "Example <no-reply@example.com>"}
    with (
        separate_database(os.environ["DATABASE_URL"], f"keyhouse_mail_{name}_{os.getpid()}") as url,
        start_server(url, directory, **settings) as server,
    ):
        yield server
        server.kill()


def test_a_message_is_delivered(server: Server, inbox: Inbox):
    with mail_server(inbox=inbox):
        send_test_mail(server, "ann@example.com")
        wait_for(lambda: states(server) == [(True, 1, "")])
    (letter,) = inbox.messages
    assert (letter["To"], letter["From"]) == ("ann@example.com", "Example <no-reply@example.com>")


def test_waiting_messages_are_sent_once_the_mail_server_is_available(server: Server, inbox: Inbox):
    send_test_mail(server, "ann@example.com")
    wait_for(lambda: states(server) == [(False, 1, "ConnectionRefusedError")])
    with mail_server(inbox=inbox):
        query(server, MAKE_DUE)
        wait_for(lambda: states(server) == [(True, 2, "")])
    assert inbox.recipients == ["ann@example.com"]


def test_messages_that_killed_workers_were_sending_are_sent(server: Server, inbox: Inbox):
    taken = Held(inbox)
    with mail_server(inbox=taken):
        send_test_mail(server, "ann@example.com")
        assert taken.begun.wait(DELIVERY_SECONDS_MAXIMUM)
        killed = server.workers
        for worker in killed:
            worker.kill()
        taken.release.set()
        wait_for(lambda: len(server.workers) == len(killed) and not set(server.workers) & set(killed))
        assert states(server) == [(False, 1, "")]
        query(server, MAKE_DUE)
        wait_for(lambda: states(server) == [(True, 2, "")])
    assert len({letter["Message-ID"] for letter in inbox.messages}) == 1


def test_a_silent_mail_server_does_not_delay_the_stop(tmp_path: Path):
    taken = Held(Inbox(free_port()))
    with mail_server(inbox=taken), served(taken.port, tmp_path, "held") as server:
        send_test_mail(server, "ann@example.com")
        assert taken.begun.wait(DELIVERY_SECONDS_MAXIMUM)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < STOP_SECONDS_MAXIMUM
        taken.release.set()
        assert server.errors == ""


class Held(Inbox):
    """An inbox whose server is asked to wait before it takes a letter."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(inbox.port, inbox.messages, inbox.recipients)
        self.begun = threading.Event()
        self.release = threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.begun.set()
        await asyncio.get_running_loop().run_in_executor(None, self.release.wait, DELIVERY_SECONDS_MAXIMUM)
        return await super().handle_DATA(server, session, envelope)


def send_test_mail(server: Server, address: str) -> None:
    """Enqueue a message as an operator does, and leave the sending to the server."""
    command = [sys.executable, "manage.py", "send_test_mail", address, "--enqueue-only"]
    environment = {**os.environ, "DATABASE_URL": server.database_url}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True, timeout=60)


def states(server: Server) -> list[Any]:
    return query(server, STATES)


def query(server: Server, sql: str) -> list[Any]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DELIVERY_SECONDS_MAXIMUM
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
