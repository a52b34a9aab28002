"""A connection in memory: what a client sends in which pieces, and what the protocol of `serve` answers."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from apps.core.errors import DomainError
from apps.core.http.access_log import AccessLog
from apps.core.http.asgi import Application, Receive, Scope, Send
from apps.core.http.asgi_messages import RawResponse, raw_response
from apps.core.http.connections import ConnectionLimits, ConnectionTable
from apps.core.http.error_responses import error_response
from apps.core.http.http_protocol import HttpProtocol
from apps.core.http.http_settings import HttpSettings
from apps.core.http.inline_requests import InlineOperation, InlineRequest
from apps.core.http.protocol_context import ProtocolContext

SETTLED_TURNS = 60
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
INLINE = "/inline"


@dataclass(frozen=True)
class Answer:
    """One response: its status, its headers but for the date, and its body."""

    status: int
    headers: frozenset[bytes]
    body: bytes


@dataclass
class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    peer: str = "192.0.2.9"
    sent: bytearray = field(default_factory=bytearray)
    is_closed: bool = False
    is_paused: bool = False
    is_half_closed: bool = False
    is_aborted: bool = False
    unsent: int = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the addresses."""
        return {"peername": (self.peer, 7), "sockname": ("192.0.2.1", 80)}.get(name, default)

    def write(self, data: Any) -> None:
        """Keep what the server sends."""
        assert not self.is_closed
        self.sent += data

    def write_eof(self) -> None:
        """End the connection, as far as a client can tell."""
        self.is_half_closed = self.is_closed = True

    def close(self) -> None:
        """End the connection."""
        self.is_closed = True

    def abort(self) -> None:
        """End the connection at once."""
        self.is_aborted = self.is_closed = True

    def is_closing(self) -> bool:
        """Return whether the connection has ended."""
        return self.is_closed

    def pause_reading(self) -> None:
        """Note that the server reads no more."""
        self.is_paused = True

    def resume_reading(self) -> None:
        """Note that the server reads again."""
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        """Return how much the client has not read."""
        return self.unsent


class EchoOperation:
    """Answers inline with the request's body, in the next turn of the event loop."""

    def __init__(self) -> None:
        self.requests: list[InlineRequest] = []
        self.is_holding = False  # whether nothing is answered

    def begin(self, request: InlineRequest) -> bool:
        """Leave bodies that begin with `!` to the application."""
        if request.body.startswith(b"!"):
            return False
        self.requests.append(request)
        if not self.is_holding:
            asyncio.get_running_loop().call_soon(request.respond, echo(request.body))
        return True


async def echo_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the request's body, and with its method and path if it has none."""
    body, more = b"", True
    try:
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        response = echo(body or f"{scope['method']} {scope['path']}".encode())
    except DomainError as error:
        response = raw_response(error_response(error, "none"))
    request_id = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"none")
    await send(
        {"type": "http.response.start", "status": response.status, "headers": [*response.headers, (b"id", request_id)]}
    )
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})


def echo(body: bytes) -> RawResponse:
    """Return the response with this body."""
    return RawResponse(200, [(b"content-length", str(len(body)).encode())], body)


class Connections:
    """Connections of one worker, with an echo behind them."""

    def __init__(
        self,
        *,
        is_inline: bool = True,
        application: Application = echo_application,
        settings: HttpSettings | None = None,
        limits: ConnectionLimits | None = None,
        access_log: AccessLog | None = None,
    ) -> None:
        self._config = uvicorn.Config(
            application, loop="none", lifespan="off", log_config=None, access_log=False, ws="none", proxy_headers=False
        )
        self._config.load()
        self._state = ServerState()
        self.protocols: list[HttpProtocol] = []
        self.operation = EchoOperation()
        operations: Mapping[str, InlineOperation] = {INLINE: self.operation} if is_inline else {}
        self.table = ConnectionTable(limits or ConnectionLimits())
        self._context = ProtocolContext(settings or HttpSettings(), self.table, operations, access_log)

    def open(self, peer: str = "192.0.2.9") -> tuple[HttpProtocol, Wire]:
        """Open a connection from an address."""
        wire = Wire(peer)
        protocol = HttpProtocol(self._config, self._state, {}, asyncio.get_running_loop(), context=self._context)
        protocol.connection_made(wire)
        self.protocols.append(protocol)
        return protocol, wire

    async def converse(self, *parts: bytes) -> tuple[list[Answer], bool]:
        """Send the parts one by one; return the responses, and whether the connection has ended."""
        protocol, wire = self.open()
        for part in parts:
            if wire.is_closed:
                break
            protocol.data_received(part)
        await settled()
        has_ended = wire.is_closed
        protocol.connection_lost(None)
        return answers_in(bytes(wire.sent)), has_ended


async def settled() -> None:
    """Let everything that can go on without the client go on."""
    for _ in range(SETTLED_TURNS):
        await asyncio.sleep(0)


def answers_in(sent: bytes) -> list[Answer]:
    """Return the responses in what a server has sent. Fails if something else is in it."""
    answers, start = [], 0
    while start < len(sent):
        head = HEAD.match(sent, start)
        assert head, sent[start:]
        headers = {line for line in head[2].split(b"\r\n") if line and not line.startswith(b"date:")}
        length = int(next(line.partition(b":")[2] for line in headers if line.startswith(b"content-length:")))
        end = head.end() + length
        answers.append(Answer(int(head[1]), frozenset(headers), sent[head.end() : end]))
        start = end
    return answers


def bodies(answers: Sequence[Answer]) -> list[tuple[int, bytes]]:
    """Return the status of each answer, and its body if it is no error: that has a random id."""
    return [(answer.status, answer.body if answer.status == HTTPStatus.OK else b"") for answer in answers]


def request(method: str = "GET", path: str = "/", body: bytes | None = None, headers: Sequence[bytes] = ()) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: keyhouse.localhost", *headers]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunked(path: str, *chunks: bytes, headers: Sequence[bytes] = ()) -> bytes:
    """Return the bytes of a POST in chunks."""
    head = [f"POST {path} HTTP/1.1".encode(), b"Host: keyhouse.localhost", b"Transfer-Encoding: chunked", *headers]
    body = b"".join([b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b"")])
    return b"\r\n".join(head) + b"\r\n\r\n" + body
