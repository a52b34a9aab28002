"""Connections that send nothing, or no end, do not keep others from being served."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.server import Server, separate_database, start_server, wait_until

CONNECTIONS = 64
KEEP_ALIVE_SECONDS = 2
# Every connection that was opened is closed within this time, with room for a busy machine.
SERVED_SECONDS = 5 * KEEP_ALIVE_SECONDS
BEGUN = (
    b"POST /api/v1/users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 131073\r\n\r\n"
)
CHUNKED = (
    b"POST /api/v1/users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"
BODY_CHUNKS = 14  # fewer than a mebibyte, the limit with a credential
REFUSED = "POST /api/v1/users 400 "


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one worker that has few places for connections."""
    name = f"keyhouse_idle_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    limits = {"CONNECTIONS_MAXIMUM": str(CONNECTIONS), "KEEP_ALIVE_SECONDS": str(KEEP_ALIVE_SECONDS), "WORKERS": "1"}
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_server(database_url, tmp_path_factory.mktemp("small"), ACCESS_LOG="true", **limits) as server,
    ):
        yield server


def connect(server: Server) -> socket.socket:
    """Open a connection to the server."""
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=SERVED_SECONDS)


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "],
    ids=["nothing", "a byte", "half a head"],
)
def test_idle_connections_do_not_stop_the_server(small: Server, sent: bytes):
    with ExitStack() as stack:
        for _ in range(2 * CONNECTIONS):
            stack.enter_context(connect(small)).sendall(sent)
        assert httpx.get(f"{small.url}/health", timeout=SERVED_SECONDS).status_code == 200


def test_connections_stay_open_between_requests(small: Server):
    request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connect(small) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            time.sleep(KEEP_ALIVE_SECONDS / 4)


def test_idle_connection_is_closed_after_a_request(small: Server):
    with connect(small) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert connection.recv(65536) == b""
        assert time.monotonic() - began > KEEP_ALIVE_SECONDS * 0.5


def test_unfinished_anonymous_bodies_are_not_kept(small: Server):
    (worker,) = small.workers
    before = worker.memory_info().rss
    with ExitStack() as stack:
        for _ in range(CONNECTIONS // 2):
            connection = stack.enter_context(connect(small))
            connection.sendall(CHUNKED)
            with suppress(OSError):  # the server closes the connection while the body is being sent
                for _ in range(BODY_CHUNKS):
                    connection.sendall(CHUNK)
        assert httpx.get(f"{small.url}/health", timeout=SERVED_SECONDS).status_code == 200
        assert worker.memory_info().rss - before < CONNECTIONS // 2 * BODY_CHUNKS * len(CHUNK) / 2


def test_announced_anonymous_body_is_refused_before_it_has_arrived(small: Server):
    with connect(small) as connection:
        connection.sendall(BEGUN)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_unfinished_anonymous_chunks_are_limited(small: Server):
    with connect(small) as connection:
        connection.sendall(CHUNKED)
        for _ in range(3):
            connection.sendall(CHUNK)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("chunk", [b"xyz\r\n", b"-1\r\n", b"5\r\n{}x"], ids=["no number", "negative", "wrong length"])
def test_malformed_chunk_is_answered_in_the_envelope_and_logged(small: Server, chunk: bytes):
    before = small.errors.count(REFUSED)
    with connect(small) as connection:
        connection.sendall(CHUNKED + b"2\r\n{ \r\n" + chunk + b"zzzz\r\n0\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"MALFORMED_REQUEST"' in answer
    wait_until(small, lambda server: server.errors.count(REFUSED) == before + 1)
