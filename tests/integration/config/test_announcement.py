"""What is said once a server answers, and not before."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, SimpleQueue
from threading import Thread

import pytest

from config.serving.announcement import Announcement
from tests.support.server import free_port

pytestmark = pytest.mark.integration

BOUND_SECONDS = 30
A_WHILE_SECONDS = 0.5


@contextmanager
def serving(port: int, *statuses: int) -> Iterator[list[str]]:
    """Answer with these statuses in turn, the last for ever, and keep which paths were asked for."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(statuses[min(len(asked), len(statuses)) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", port), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()


def is_said(said: SimpleQueue[str], within_seconds: float) -> bool:
    try:
        return said.get(timeout=within_seconds) == "serves"
    except Empty:
        return False


def test_is_said_once_when_the_server_answers():
    said: SimpleQueue[str] = SimpleQueue()
    port = free_port()
    announcement = Announcement(f"127.0.0.1:{port}", lambda: said.put("serves"))
    announcement.begin()
    assert not is_said(said, A_WHILE_SECONDS)
    with serving(port, 503, 200) as asked:
        assert is_said(said, BOUND_SECONDS)
        assert not is_said(said, A_WHILE_SECONDS)
    assert asked == ["/health", "/health"]


def test_is_not_said_when_it_was_called_off():
    said: SimpleQueue[str] = SimpleQueue()
    port = free_port()
    announcement = Announcement(f"127.0.0.1:{port}", lambda: said.put("serves"))
    announcement.begin()
    announcement.call_off()
    with serving(port, 200):
        assert not is_said(said, A_WHILE_SECONDS)
