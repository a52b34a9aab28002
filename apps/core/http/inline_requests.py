"""Requests that are answered inline: by the protocol, without an ASGI scope, a task or a future for each.

An operation is offered complete requests to its path. It begins to answer and returns True, and calls `respond` or
`fail` once, now or later; or it returns False, and the request goes to the ASGI application like every other. Both
ways give the same response, so an operation leaves what is rare, and errors of invalid input, to the application.
"""

from collections.abc import Mapping
from math import inf
from time import perf_counter
from typing import Any, Protocol

from apps.core.errors import DomainError
from apps.core.http.asgi import Headers
from apps.core.http.asgi_messages import RawResponse, raw_response
from apps.core.http.error_responses import error_response
from apps.core.request_context import request_id_from


class Responder(Protocol):
    """The connection of a request."""

    def respond(self, request: "InlineRequest", response: RawResponse) -> None:
        """Send the response, unless the request no longer waits for one."""

    def respond_json(self, request: "InlineRequest", content: bytes) -> None:
        """Send the JSON with status 200, unless the request no longer waits for a response."""


class InlineHead:
    """The head of a request with `Content-Length` and without any header twice.

    A client sends the same head with each request on its connection, byte for byte. Then the connection gives them the
    same InlineHead, so that all that follows from a head is found once. `fields` has the headers, with names in lower
    case; `client_address` is that of the `RequestContext`. In `prepared`, the operation keeps what it needs of them.
    """

    __slots__ = (
        "client_address", "fields", "headers", "operation", "path", "prepared", "request_id", "scheme", "target",
    )  # fmt: skip

    def __init__(
        self,
        target: bytes,
        headers: Headers,
        fields: Mapping[bytes, bytes],
        operation: "InlineOperation",
        client: tuple[str | None, str],
    ) -> None:
        self.target = target
        self.path = target.decode("ascii")
        self.headers = headers
        self.fields = fields
        self.operation = operation
        self.client_address, self.scheme = client
        header = fields.get(b"x-request-id")
        self.request_id = header.decode("latin1") if header else None
        self.prepared: Any = None


class InlineRequest:
    """One complete request. `request_id` is that of the `RequestContext`."""

    __slots__ = (
        "_responder", "body", "deadline", "head", "is_disconnected", "keep_alive", "request_id", "response_complete",
        "started",
    )  # fmt: skip

    def __init__(self, responder: Responder, head: InlineHead, body: bytes) -> None:
        self._responder = responder
        self.head = head
        self.body = body
        self.request_id = request_id_from(head.request_id)
        self.is_disconnected = False
        # For the protocol: when it was received, until when it must be answered, and whether the connection stays.
        self.started = perf_counter()
        self.deadline = inf
        self.keep_alive = True
        self.response_complete = False

    def respond(self, response: RawResponse) -> None:
        """Send the response. It is dropped if the client has disconnected, or the time limit has passed."""
        self._responder.respond(self, response)

    def respond_json(self, content: bytes) -> None:
        """Send the JSON as the API application does, with status 200. Dropped as by `respond`."""
        self._responder.respond_json(self, content)

    def fail(self, error: DomainError) -> None:
        """Send the error as the API application does."""
        self.respond(raw_response(error_response(error, self.request_id)))

    def disconnect(self) -> None:
        """Note that the client no longer waits for the response."""
        self.is_disconnected = self.response_complete = True


class InlineOperation(Protocol):
    """Answers requests to one path."""

    def begin(self, request: InlineRequest) -> bool:
        """Begin to answer, or return False to leave the request to the ASGI application."""
