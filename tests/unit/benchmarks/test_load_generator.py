"""The load of a benchmark, on a server that takes longer than a cell lasts."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pytest

from tests.benchmarks import load_generator
from tests.benchmarks.load_generator import Exchange, Load, apply, random_order

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


def load(port: int, expected: bytes, *, each_once: bool = False) -> load_generator.Sample:
    exchanges = [Exchange(b"GET / HTTP/1.1\r\n\r\n", expected)] * 3
    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_generator, "_exchanges", [exchanges])
        patch.setattr(load_generator, "_in_random_order", [random_order(exchanges, 0)])
        return apply(Load(0, port, 2, began + 0.01, 10 if each_once else MEASURED_SECONDS, each_once))


def test_load_goes_on_until_there_is_a_response_to_count(port: int):
    sample = load(port, b"word")
    assert (len(sample.latencies), sample.failures) == (1, [])
    assert SLOW_SECONDS <= sample.latencies[0] < sample.seconds + SLOW_SECONDS
    assert sample.seconds > MEASURED_SECONDS


def test_wrong_response_ends_the_load(port: int):
    sample = load(port, b"another word")
    assert (len(sample.latencies), len(sample.failures)) == (0, 2)


def test_load_of_each_once_ends_when_all_were_sent(port: int):
    sample = load(port, b"word", each_once=True)
    assert (len(sample.latencies), sample.failures) == (3, [])
    assert SLOW_SECONDS < sample.seconds < 10


@pytest.mark.parametrize(
    ("response", "is_right"),
    [
        (OK, True),
        (OK.replace(b"200", b"500"), False),
        (OK.replace(b"content-length: 4\r\n", b""), False),
        (b"HTTP/1.1 200 OK\r\nx: word\r\ncontent-length: 4\r\n\r\nwore", False),
        (OK[:-1], False),
        (b"", False),
    ],
)
def test_response_in_pieces_is_judged_as_a_whole(response: bytes, is_right: bool):
    for pieces in ([response], [response[place : place + 1] for place in range(len(response))]):
        sample = answered_with(pieces)
        assert (len(sample.latencies) == 1, sample.failures == []) == (is_right, is_right)


def answered_with(pieces: list[bytes]) -> load_generator.Sample:
    """Return the sample of one request, answered by these pieces and the end of the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        exchanges = [Exchange(b"GET / HTTP/1.1\r\n\r\n", b"word")]
        patch.setattr(load_generator, "_exchanges", [exchanges])
        patch.setattr(load_generator, "_in_random_order", [iter(exchanges)])
        thread = threading.Thread(target=answer, args=[server, pieces])
        thread.start()
        sample = apply(Load(0, server.getsockname()[1], 1, time.perf_counter(), 5, each_once=True))
        thread.join()
    return sample


def answer(server: socket.socket, pieces: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(1000)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.001)


def test_random_order_repeats_and_is_the_same_for_a_seed():
    exchanges = [Exchange(b"%d" % number, b"") for number in range(100)]

    first, again, other = [list(islice(random_order(exchanges, seed), 1000)) for seed in (1, 1, 2)]

    assert first == again != other
    assert {exchange.request for exchange in first} == {exchange.request for exchange in exchanges}
    assert len({exchange.request for exchange in first[:100]}) < 100
