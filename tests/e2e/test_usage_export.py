"""An export is sent by a real server while it is read: in bounded memory, and no longer than the client is there."""

import os
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.support.server import ADMINISTRATOR_EMAIL, Server, separate_database, start_server

CALLS = 300_000  # about 27 MB, far more than the buffers of a connection
GROWTH_BYTES_MAXIMUM = 20_000_000
FILL = """
INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, tag, request_id)
SELECT now() - n * interval '1 second', (SELECT id FROM users WHERE email = %s), 1, 0.5, 1, 'eu', md5(n::text)
FROM generate_series(1, %s) AS n
"""
READING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%usage_events%'
    AND query LIKE '%string_agg%'
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    name = f"keyhouse_export_{os.getpid()}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as url,
        start_server(url, tmp_path_factory.mktemp("server"), WORKERS="1") as started,
    ):
        with psycopg.connect(url, autocommit=True) as filling:
            filling.execute(FILL, [ADMINISTRATOR_EMAIL, CALLS])
            filling.execute("ANALYZE usage_events")
        yield started


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    login = {"email": ADMINISTRATOR_EMAIL, "password": server.administrator_password}
    return str(httpx.post(f"{server.url}/api/v1/auth/login", json=login, timeout=30).json()["access_token"])


def _memory(server: Server) -> int:
    return sum(worker.memory_info().rss for worker in server.workers)


def test_long_file_is_whole_and_takes_no_memory(server: Server, token: str):
    url = f"{server.url}/api/v1/usage/export?format=ndjson"
    headers = {"Authorization": f"Bearer {token}"}
    before, highest, lines, last = _memory(server), 0, 0, b""
    with httpx.stream("GET", url, headers=headers, timeout=60) as response:
        assert (response.status_code, response.headers.get("content-length")) == (200, None)
        for chunk in response.iter_raw(1_000_000):
            lines += chunk.count(b"\n")
            last = chunk[-1:] or last
            highest = max(highest, _memory(server))
    assert (lines, last) == (CALLS, b"\n")
    assert highest - before < GROWTH_BYTES_MAXIMUM


def test_reading_stops_when_the_client_does_not_read_and_leaves(server: Server, token: str):
    address = urlsplit(server.url)
    before = _memory(server)
    with socket.create_connection((address.hostname or "", address.port or 0)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        head = f"GET /api/v1/usage/export HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        time.sleep(1)
        assert _reading(server) == [0] * 20  # it waits for the client, between two statements
        assert _memory(server) - before < GROWTH_BYTES_MAXIMUM
    time.sleep(0.5)
    assert _reading(server) == [0] * 20
    assert httpx.get(f"{server.url}/health/ready", timeout=30).status_code == 200
    assert "Traceback" not in server.errors


def _reading(server: Server) -> list[int]:
    """Return how many exports read at each of twenty moments."""
    found = []
    with psycopg.connect(server.database_url, autocommit=True) as watching:
        for _ in range(20):
            found.append((watching.execute(READING).fetchone() or (0,))[0])
            time.sleep(0.02)
    return found
