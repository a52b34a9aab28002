"""Clients that send one request each on connections of their own, all of which may wait at the same time."""

import json
import resource
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from tests.support.asker import VERIFY

CROWD = 200
HEAD_END = b"\r\n\r\n"


class Crowd:
    """Up to CROWD verification queries that are asked at the same time."""

    def __init__(self, url: str, service_key: str) -> None:
        self._address = urlsplit(url)
        self._service_key = service_key
        self._selector = selectors.DefaultSelector()
        self._received: dict[socket.socket, bytes] = {}

    def ask(self, queries: Sequence[dict[str, Any]]) -> None:
        """Send each query on a new connection, without waiting for the responses."""
        for query in queries:
            connection = socket.create_connection((self._address.hostname, self._address.port), 30)
            connection.sendall(self._request(query))
            connection.setblocking(False)
            self._received[connection] = b""
            self._selector.register(connection, selectors.EVENT_READ, query)

    def answers(self, seconds: float = 30) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield queries with their responses as they arrive, until all have arrived or none has for `seconds`."""
        last = time.monotonic()
        while self._received and time.monotonic() - last < seconds:
            for key, _ in self._selector.select(seconds):
                connection: Any = key.fileobj
                answer = self._read(connection)
                if answer is not None:
                    self._close(connection)
                    last = time.monotonic()
                    yield key.data, answer

    def close(self) -> None:
        """Close the connections that have no response yet."""
        for connection in list(self._received):
            self._close(connection)

    def _request(self, query: dict[str, Any]) -> bytes:
        body = json.dumps(query)
        head = (
            f"POST {VERIFY} HTTP/1.1\r\nHost: {self._address.netloc}\r\nX-API-Key: {self._service_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}"
        )
        return head.encode() + HEAD_END + body.encode()

    def _read(self, connection: socket.socket) -> dict[str, Any] | None:
        """Return the response if it has arrived as a whole."""
        chunk = connection.recv(65536)
        assert chunk, "the server closed the connection"
        self._received[connection] += chunk
        _, separator, body = self._received[connection].partition(HEAD_END)
        if not separator or not body.endswith(b"\n"):
            return None
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _close(self, connection: socket.socket) -> None:
        del self._received[connection]
        self._selector.unregister(connection)
        connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def allow_connections(number: int) -> None:
    """Raise this process' limit of open files, or skip the test if the system allows fewer."""
    needed = number + 1024
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"{needed} open files are needed, and the system allows {hard}")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
