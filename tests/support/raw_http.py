"""Sends raw bytes that HTTP libraries refuse to send, and reads one response."""

import socket
from urllib.parse import urlsplit

import h11
import httpx

TIMEOUT_SECONDS = 10


def exchange(url: str, request: bytes) -> httpx.Response:
    """Send `request` unchanged to the server at `url`, and return the first response."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), TIMEOUT_SECONDS) as connection:
        connection.sendall(request)
        return _response(connection, request.split(b" ", 1)[0])


def message(line: bytes, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return a request with this request line."""
    lines = [line + b" HTTP/1.1", b"host: 127.0.0.1", b"connection: close"]
    lines += [f"{name}: {value}".encode("latin1") for name, value in (headers or {}).items()]
    if body:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _response(connection: socket.socket, method: bytes) -> httpx.Response:
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="HEAD" if method == b"HEAD" else "GET", target="/", headers=[("host", "x")]))
    head, body = None, b""
    while True:
        event = reader.next_event()
        if event is h11.NEED_DATA:
            reader.receive_data(connection.recv(65536))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        else:
            break
    assert head is not None, event
    return httpx.Response(head.status_code, headers=list(head.headers), content=body)
