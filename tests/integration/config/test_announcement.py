"""The announcement that a server responds."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, SimpleQueue
from threading import Event, Thread

import pytest

from config.serving.announcement import Announcement
from tests.support.server import free_port

pytestmark = pytest.mark.integration

BOUND_SECONDS = 30
A_WHILE_SECONDS = 0.5


@contextmanager
def serving(port: int, *statuses: int) -> Iterator[list[str]]:
    """Respond with these statuses in turn, repeating the last, and keep the requested paths."""
    requested: list[str] = []

    class Responses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_response(statuses[min(len(requested), len(statuses)) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", port), Responses) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield requested
        finally:
            server.shutdown()
            thread.join()


def is_announced(announced: SimpleQueue[str], within_seconds: float) -> bool:
    try:
        return announced.get(timeout=within_seconds) == "serves"
    except Empty:
        return False


def test_announcement_is_made_once_when_the_server_responds():
    announced: SimpleQueue[str] = SimpleQueue()
    port = free_port()
    announcement = Announcement(f"127.0.0.1:{port}", lambda: announced.put("serves"))
    announcement.begin()
    assert not is_announced(announced, A_WHILE_SECONDS)
    with serving(port, 503, 200) as requested:
        assert is_announced(announced, BOUND_SECONDS)
        assert not is_announced(announced, A_WHILE_SECONDS)
    assert requested == ["/health", "/health"]


def test_cancelled_announcement_is_not_made():
    announced: SimpleQueue[str] = SimpleQueue()
    port = free_port()
    announcement = Announcement(f"127.0.0.1:{port}", lambda: announced.put("serves"))
    announcement.begin()
    announcement.cancel()
    with serving(port, 200):
        assert not is_announced(announced, A_WHILE_SECONDS)


def test_cancelling_returns_whether_it_was_made():
    announced: SimpleQueue[str] = SimpleQueue()
    port = free_port()
    never, once = (Announcement(f"127.0.0.1:{port}", lambda: announced.put("serves")) for _ in range(2))
    assert never.cancel() is False
    with serving(port, 200):
        never.begin()
        assert not is_announced(announced, A_WHILE_SECONDS)
        once.begin()
        assert is_announced(announced, BOUND_SECONDS)
        assert once.cancel() is True


def test_cancelling_waits_for_a_running_announcement():
    begun, may_continue, port = Event(), Event(), free_port()

    def announce() -> None:
        begun.set()
        assert may_continue.wait(BOUND_SECONDS)

    announcement = Announcement(f"127.0.0.1:{port}", announce)
    with serving(port, 200), ThreadPoolExecutor(1) as threads:
        announcement.begin()
        assert begun.wait(BOUND_SECONDS)
        cancelling = threads.submit(announcement.cancel)
        with pytest.raises(TimeoutError):
            cancelling.result(timeout=A_WHILE_SECONDS)
        may_continue.set()
        assert cancelling.result(timeout=BOUND_SECONDS) is True


def test_failed_announcement_counts_as_not_made(monkeypatch: pytest.MonkeyPatch):
    failures: SimpleQueue[object] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda failure: failures.put(failure.exc_type))
    port = free_port()

    def announce() -> None:
        raise BrokenPipeError

    announcement = Announcement(f"127.0.0.1:{port}", announce)
    with serving(port, 200):
        announcement.begin()
        assert failures.get(timeout=BOUND_SECONDS) is BrokenPipeError
        assert announcement.cancel() is False
