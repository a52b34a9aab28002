"""Requests that are answered inline: by the protocol, without an ASGI scope, a task or a future for each.

An operation is offered complete requests to its path. It begins to answer and returns True, and calls `respond` or
`fail` once, now or later; or it returns False, and the request goes to the ASGI application like every other. Both
ways give the same response, so an operation leaves what is rare, and errors of invalid input, to the application.
"""

from collections.abc import Mapping
from math import inf
from time import perf_counter
from typing import Protocol

from apps.core.errors import DomainError
from apps.core.http.asgi_messages import RawResponse, raw_response
from apps.core.http.error_responses import error_response
from apps.core.request_context import request_id_from


class Responder(Protocol):
    """The connection of a request."""

    def respond(self, request: "InlineRequest", response: RawResponse) -> None:
        """Send the response, unless the request no longer waits for one."""


class InlineRequest:
    """One complete request, with `Content-Length` and without any header twice.

    `fields` has its headers, with names in lower case. `client_address` and `request_id` are those of the
    `RequestContext`.
    """

    __slots__ = (
        "_responder", "body", "client_address", "deadline", "fields", "is_disconnected", "keep_alive",
        "path", "request_id", "response_complete", "scheme", "started",
    )  # fmt: skip

    def __init__(
        self,
        responder: Responder,
        path: str,
        fields: Mapping[bytes, bytes],
        body: bytes,
        client_address: str | None,
        scheme: str,
    ) -> None:
        self._responder = responder
        self.path = path
        self.fields = fields
        self.body = body
        self.client_address = client_address
        self.scheme = scheme
        header = fields.get(b"x-request-id")
        self.request_id = request_id_from(header.decode("latin1") if header else None)
        self.is_disconnected = False
        # For the protocol: when it was received, until when it must be answered, and whether the connection stays.
        self.started = perf_counter()
        self.deadline = inf
        self.keep_alive = True
        self.response_complete = False

    def respond(self, response: RawResponse) -> None:
        """Send the response. It is dropped if the client has disconnected, or the time limit has passed."""
        self._responder.respond(self, response)

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
