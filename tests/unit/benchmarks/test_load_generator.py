"""The load of a benchmark, on a server that takes longer than a cell lasts."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.benchmarks import load_generator
from tests.benchmarks.load_generator import Exchange, Load, apply

SLOW_SECONDS = 0.3
MEASURED_SECONDS = 0.05
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nword"


class SlowServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class SlowHandler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while self.request.recv(1000):
            time.sleep(SLOW_SECONDS)
            with suppress(OSError):
                self.request.sendall(OK)


@pytest.fixture
def port() -> Iterator[int]:
    """Where a server answers each request after SLOW_SECONDS."""
    with SlowServer(("127.0.0.1", 0), SlowHandler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        yield server.server_address[1]
        server.shutdown()


def load(port: int, expected: bytes) -> load_generator.Sample:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_generator, "_exchanges", [iter([Exchange(b"GET / HTTP/1.1\r\n\r\n", expected)] * 10)])
        return apply(Load(0, port, connections=2, warm_up_seconds=0.01, measured_seconds=MEASURED_SECONDS))


def test_load_goes_on_until_there_is_a_response_to_count(port: int):
    sample = load(port, b"word")
    assert (len(sample.latencies), sample.failures) == (1, [])
    assert SLOW_SECONDS <= sample.latencies[0] < sample.seconds + SLOW_SECONDS
    assert sample.seconds > MEASURED_SECONDS


def test_wrong_response_ends_the_load(port: int):
    sample = load(port, b"another word")
    assert (len(sample.latencies), len(sample.failures)) == (0, 2)
