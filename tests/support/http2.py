"""An HTTP/2 client for many concurrent requests on one connection, as many as a worker allows to wait.

It sends complete requests with uncompressed headers, and reads the bodies of the responses but not their headers.
"""

import json
import socket
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.support.asker import VERIFY

STREAMS_MAXIMUM = 200  # granian's limit per connection
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0x0, 0x1, 0x4, 0x6, 0x8
ACKNOWLEDGES, ENDS_STREAM, ENDS_HEADERS = 0x1, 0x1, 0x4
HEAD_BYTES = 9
WINDOW_BYTES = 2**30


class Http2Client:
    """Sends up to STREAMS_MAXIMUM verification queries on one connection."""

    def __init__(self, url: str, service_key: str) -> None:
        address = urlsplit(url)
        self._unanswered: dict[int, dict[str, Any]] = {}
        self._bodies: dict[int, bytes] = {}
        self._received = bytearray()
        self._socket = socket.create_connection((address.hostname, address.port), 30)
        self._headers = _literals(
            {
                ":method": "POST",
                ":scheme": "http",
                ":path": VERIFY,
                ":authority": address.netloc,
                "x-api-key": service_key,
                "content-type": "application/json",
            }
        )
        self._socket.sendall(
            PREFACE + _frame(SETTINGS, 0, 0) + _frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW_BYTES))
        )

    def ask(self, queries: Sequence[dict[str, Any]]) -> None:
        """Send all queries of this connection, without waiting for the responses. Call it once."""
        self._unanswered = dict(zip(range(1, 2 * STREAMS_MAXIMUM, 2), queries, strict=False))
        sent = b""
        for stream, query in self._unanswered.items():
            body = json.dumps(query).encode()
            length = _literals({"content-length": str(len(body))})
            sent += _frame(HEADERS, ENDS_HEADERS, stream, self._headers + length)
            sent += _frame(DATA, ENDS_STREAM, stream, body)
        self._socket.sendall(sent)

    def answers(self, seconds: float = 30) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield queries with their responses as they arrive, until all have arrived or none has for `seconds`."""
        self._socket.settimeout(seconds)
        while self._unanswered and (frame := self._next_frame()):
            kind, flags, stream, content = frame
            if kind in {SETTINGS, PING} and not flags & ACKNOWLEDGES:
                self._socket.sendall(_frame(kind, ACKNOWLEDGES, 0, content if kind == PING else b""))
            if kind == DATA:
                self._bodies[stream] = self._bodies.get(stream, b"") + content
                if flags & ENDS_STREAM:
                    yield self._unanswered.pop(stream), json.loads(self._bodies.pop(stream))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _next_frame(self) -> tuple[int, int, int, bytes] | None:
        if not self._receive(HEAD_BYTES):
            return None
        high, low, kind, flags, stream = struct.unpack(">BHBBI", self._received[:HEAD_BYTES])
        end = HEAD_BYTES + (high << 16 | low)
        if not self._receive(end):
            return None
        content = bytes(self._received[HEAD_BYTES:end])
        del self._received[:end]
        return kind, flags, stream, content

    def _receive(self, size: int) -> bool:
        """Receive until `size` bytes are buffered, and return whether they have arrived in time."""
        while len(self._received) < size:
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                return False
            assert chunk, "the server closed the connection"
            self._received += chunk
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return struct.pack(">BHBBI", len(content) >> 16, len(content) & 0xFFFF, kind, flags, stream) + content


def _literals(headers: dict[str, str]) -> bytes:
    return b"".join(b"\x10" + _string(name) + _string(value) for name, value in headers.items())


def _string(text: str) -> bytes:
    assert len(text) < 127, "needs more than one byte for its length"
    return bytes([len(text)]) + text.encode()
