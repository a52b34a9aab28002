"""HTTP/1.1: the way of each request, to an inline operation or to the ASGI application.

A complete POST to the path of an inline operation is answered without a scope, a task or a future; every other request
goes uvicorn's way to the application. Requests that a client pipelines are answered in order: one that arrives while
another is being answered waits in uvicorn's queue, and goes uvicorn's way too.
"""

from collections.abc import Mapping
from http import HTTPStatus
from math import inf
from time import perf_counter
from typing import Any, override

from apps.core.errors import Unavailable
from apps.core.http.access_log import CLIENT_CLOSED_REQUEST
from apps.core.http.asgi import Message, Receive, Scope, Send, header
from apps.core.http.asgi_messages import RawResponse
from apps.core.http.bounded_protocol import NOT_COUNTED, BoundedProtocol
from apps.core.http.inline_requests import InlineHead, InlineRequest
from apps.core.http.json_codec import ANONYMOUS_BODY_BYTES_MAXIMUM
from apps.core.http.protocol_context import Phase, ProtocolContext
from apps.core.http.request_head import in_origin_form, is_served, require_framing
from apps.core.request_context import request_id_from

# Requests with one of these headers go to the application, as do those with any header twice.
LEFT_TO_APPLICATION = frozenset({
    b"access-control-request-method", b"content-encoding", b"expect", b"origin", b"transfer-encoding", b"upgrade",
})  # fmt: skip


class HttpProtocol(BoundedProtocol):
    """The protocol of every connection. While an inline request is answered, it is `cycle`, so that others wait."""

    _inline: InlineRequest | None = None
    _head: InlineHead | None = None  # of the last request for an inline operation
    _is_inline = False  # whether the request that is being received is for an inline operation
    _is_full = False  # whether as many requests wait as may be pipelined

    def __init__(self, *arguments: Any, context: ProtocolContext, **options: Any) -> None:
        super().__init__(*arguments, context=context, **options)
        self._application: Any = self.app
        self.app = self._serve
        self._body: list[bytes] = []

    # What the parser calls

    @override
    def on_message_begin(self) -> None:
        """Begin with the next request."""
        super().on_message_begin()
        self._is_inline = False

    @override
    def on_headers_complete(self) -> None:
        """Choose the way of the request. Raises Refused, MalformedRequest."""
        if self._repeats_head() or self._begins_inline():
            self._is_inline = True
            self._body = []
        else:
            self._leave_to_application()
        self._phase = Phase.BODY
        self._received = NOT_COUNTED

    @override
    def on_body(self, body: bytes) -> None:
        """Collect a part of the body."""
        if self._is_inline:
            self._body.append(body)
        else:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """Answer the request, or let the application answer it."""
        self._phase = Phase.NOTHING
        if self._is_inline and self._head is not None:
            self._begin_inline(self._head, b"".join(self._body))
        else:
            super().on_message_complete()
            self._expect_client()
        if self._is_draining or self._is_full or not self.parser.should_keep_alive():
            self._is_last = True

    # Responses

    @override
    def on_response_complete(self) -> None:
        """Begin with the next request that waits, or wait for one."""
        if self.transport.is_closing():
            self.deadline = self.loop.time() + self._limits.stall_seconds
        elif self.pipeline:
            self._running = self.pipeline[-1][0]
            super().on_response_complete()
        elif self._failure is not None:
            self._send_failure(self._failure)
        else:
            if self.flow.read_paused:
                self.flow.resume_reading()
            self._expect_client()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what the client waits for."""
        request, self._inline = self._inline, None
        if request is not None:
            self._log_inline(request, CLIENT_CLOSED_REQUEST)
            request.disconnect()
        elif self._is_inline and self._phase is Phase.BODY:
            self._log(CLIENT_CLOSED_REQUEST, request_id_from(header({"headers": self.headers}, b"x-request-id")))
        if self.cycle is request:
            self.cycle = None
        super().connection_lost(exc)

    @override
    def shutdown(self) -> None:
        """Finish what is being received and answered, and close the connection."""
        if self._inline is not None:
            self._inline.keep_alive = bool(self.pipeline)
        super().shutdown()

    @override
    def time_out(self, now: float) -> None:
        """End or prolong what has taken too long."""
        if self._inline is not None and self._inline.deadline <= now:
            request = self._inline
            request.fail(Unavailable("The request timed out. Retry shortly."))
            request.disconnect()
        else:
            super().time_out(now)

    @override
    def _is_responding(self) -> bool:
        running = self._running
        return self._inline is not None or (running is not None and not running.response_complete)

    @override
    def _response_deadline(self) -> float:
        return self._inline.deadline if self._inline is not None else inf

    # Inline operations

    def respond(self, request: InlineRequest, response: RawResponse) -> None:
        """Send the response to the inline request, unless it no longer waits for one."""
        if self._inline is request:
            encoded = self.context.encoded_response(
                response,
                request.request_id,
                request.head.scheme,
                self.server_state.default_headers,
                keep_alive=request.keep_alive,
            )
            self._finish_inline(request, response.status, encoded)

    def respond_json(self, request: InlineRequest, content: bytes) -> None:
        """Send the JSON to the inline request with status 200, unless it no longer waits for a response."""
        if self._inline is request:
            encoded = self.context.encoded_json(
                content,
                request.request_id,
                request.head.scheme,
                self.server_state.default_headers,
                keep_alive=request.keep_alive,
            )
            self._finish_inline(request, HTTPStatus.OK, encoded)

    def _finish_inline(self, request: InlineRequest, status: int, encoded: bytes) -> None:
        request.response_complete = True
        self._inline = None
        if self.cycle is request:
            self.cycle = None
        self.transport.write(encoded)
        self._log_inline(request, status)
        if not request.keep_alive:
            self._close()
        self.on_response_complete()

    def _repeats_head(self) -> bool:
        """Return whether the head is that of the last inline request, byte for byte, so that nothing else matters."""
        head = self._head
        return (
            head is not None
            and self.headers == head.headers
            and self.url == head.target
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self._may_answer_now()
        )

    def _begins_inline(self) -> bool:
        """Return whether the request is for an inline operation, and set its head. Raises Refused, MalformedRequest."""
        self._check_head()
        version = self.parser.get_http_version()
        require_framing(version, self.headers, is_upgrade=self.parser.should_upgrade())
        operation = self.context.operations.get(self.url)
        if operation is None or version != "1.1":
            return False
        fields = dict(self.headers)
        if not (self._may_be_inline(fields) and self._may_answer_now()):
            return False
        self._head = InlineHead(self.url, self.headers, fields, operation, self._client_of(fields))
        return True

    def _may_be_inline(self, fields: Mapping[bytes, bytes]) -> bool:
        """Return whether nothing in the head needs the application."""
        return (
            len(fields) == len(self.headers)
            and LEFT_TO_APPLICATION.isdisjoint(fields)
            and self.parser.get_method() == b"POST"
            and 0 < int(fields.get(b"content-length", 0)) <= ANONYMOUS_BODY_BYTES_MAXIMUM
            and is_served(fields.get(b"host", b""), self.context.settings.allowed_hosts)
        )

    def _may_answer_now(self) -> bool:
        """Return whether nothing else is being answered."""
        return not self._is_responding() and not self.flow.write_paused

    def _begin_inline(self, head: InlineHead, body: bytes) -> None:
        request = InlineRequest(self, head, body)
        request.keep_alive = self.parser.should_keep_alive() and not self._is_draining
        request.deadline = self.deadline = self.loop.time() + self.context.settings.response_seconds_maximum
        self.cycle = self._inline = request
        self.context.connections.work(self)
        may_answer = head.scheme == "https" or not self.context.settings.https_only
        if may_answer and head.operation.begin(request):
            return
        self.cycle = self._inline = None
        self._is_inline = False
        self._leave_to_application()
        super().on_body(body)
        super().on_message_complete()
        self._expect_client()

    def _client_of(self, fields: Mapping[bytes, bytes]) -> tuple[str | None, str]:
        """Return the client's address and scheme, as `apply_forwarded_headers` finds them."""
        scheme = self.scheme or "http"
        if not self._is_proxied or self._address is None:
            return self._client_address, scheme
        client = self.context.clients.find(self._address, fields)
        return str(client.address) if client.address else None, "https" if client.scheme == "https" else scheme

    def _log_inline(self, request: InlineRequest, status: int) -> None:
        if self.context.access_log is not None:
            seconds = perf_counter() - request.started
            head = request.head
            self.context.access_log.add("POST", head.path, status, seconds, request.request_id, head.client_address)

    # The ASGI application

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application. It gets the error of a body that cannot be completed when it reads that."""
        start: Message | None = None

        async def receive_complete() -> Message:
            message = await receive()
            if scope is self._failed_scope and self._failure is not None:
                raise self._failure
            return message

        async def send_together(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif start is None:
                await send(message)
            else:
                head, start = start, None
                await self._send_together(send, head, message)

        await self._application(scope, receive_complete, send_together)

    async def _send_together(self, send: Send, *messages: Message) -> None:
        await self.flow.drain()  # nothing may wait while the transport is corked
        self.transport.cork()
        try:
            for message in messages:
                await send(message)
        finally:
            self.transport.uncork()

    def _leave_to_application(self) -> None:
        self._begin_cycle(*in_origin_form(self.url, self.headers))
        if not (self.pipeline and self.pipeline[0][0] is self.cycle):
            self._running = self.cycle
        elif len(self.pipeline) >= self._limits.pipelined_maximum:
            self._is_full = True
        if self._is_draining or self._is_full:
            self.cycle.keep_alive = False
