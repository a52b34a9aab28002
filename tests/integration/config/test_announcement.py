"""What is said once a server answers, and not before."""

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


def test_whoever_calls_it_off_learns_whether_it_was_said():
    said: SimpleQueue[str] = SimpleQueue()
    port = free_port()
    never, once = (Announcement(f"127.0.0.1:{port}", lambda: said.put("serves")) for _ in range(2))
    assert never.call_off() is False
    with serving(port, 200):
        never.begin()
        assert not is_said(said, A_WHILE_SECONDS)
        once.begin()
        assert is_said(said, BOUND_SECONDS)
        assert once.call_off() is True


def test_calling_it_off_waits_for_what_is_being_said():
    begun, may_go_on, port = Event(), Event(), free_port()

    def announce() -> None:
        begun.set()
        assert may_go_on.wait(BOUND_SECONDS)

    announcement = Announcement(f"127.0.0.1:{port}", announce)
    with serving(port, 200), ThreadPoolExecutor(1) as threads:
        announcement.begin()
        assert begun.wait(BOUND_SECONDS)
        calling_off = threads.submit(announcement.call_off)
        with pytest.raises(TimeoutError):
            calling_off.result(timeout=A_WHILE_SECONDS)
        may_go_on.set()
        assert calling_off.result(timeout=BOUND_SECONDS) is True


def test_what_could_not_be_said_was_not_said(monkeypatch: pytest.MonkeyPatch):
    failures: SimpleQueue[object] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda failure: failures.put(failure.exc_type))
    port = free_port()

    def announce() -> None:
        raise BrokenPipeError

    announcement = Announcement(f"127.0.0.1:{port}", announce)
    with serving(port, 200):
        announcement.begin()
        assert failures.get(timeout=BOUND_SECONDS) is BrokenPipeError
        assert announcement.call_off() is False
