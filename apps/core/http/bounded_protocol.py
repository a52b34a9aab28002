"""One connection of a client: its deadlines, its bounds and its end, on uvicorn's protocol class.

llhttp parses every byte. The subclass (`http_protocol.py`) decides where a request goes.
"""

from math import inf
from typing import Any, override

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apps.core.errors import DomainError, HeadersTooLarge, PayloadTooLarge, RequestTimeout, Unavailable
from apps.core.http.asgi import Headers, Scope, header
from apps.core.http.asgi_messages import RawResponse, raw_response
from apps.core.http.corked_transport import CorkedTransport
from apps.core.http.error_responses import error_response
from apps.core.http.protocol_context import Phase, ProtocolContext
from apps.core.http.protocol_errors import Refused, error_of
from apps.core.request_context import request_id_from
from apps.core.values.ip_addresses import Address, is_within, parse_address

DRAIN_SECONDS = 0.2  # for what a client has sent before it could know that the server stops
NOT_COUNTED = -1


class BoundedProtocol(HttpToolsProtocol):
    """Parses requests within bounds. Keeps the connection's place in the table of connections."""

    transport: Any
    cycle: Any  # uvicorn's cycle of request and response, of the request that was received last
    _running: Any = None  # the cycle that is being responded to
    # For the table of connections.
    subject: str | None = None
    waits_since = 0.0
    deadline = inf
    # The request that is being received.
    _phase = Phase.NOTHING
    _received = NOT_COUNTED  # the length of its head or body so far
    _fed = 0  # the length of what is being parsed
    _began = 0.0
    _has_cycle = False  # whether the application gets it while it is being received
    # How the connection ends.
    _failure: DomainError | None = None
    _failed_scope: Scope | None = None
    _is_last = False  # whether what the client sends is no longer read
    _is_draining = False
    _discarded = 0
    _unsent = 0

    def __init__(self, *arguments: Any, context: ProtocolContext, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.context = context
        self._limits = context.connections.limits
        self._address: Address | None = None
        self._client_address: str | None = None
        self._is_proxied = False

    # What the transport calls

    @override
    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request, if there is a place."""
        super().connection_made(CorkedTransport(transport))  # type: ignore[arg-type]  # it has what is used
        peer = self.client[0] if self.client else None
        self._address = parse_address(peer) if peer else None
        self._client_address = str(self._address) if self._address else None
        self._is_proxied = is_within(self._address, self.context.settings.trusted_proxies)
        self.subject = self.context.connections.subject_of(peer)
        now = self.loop.time()
        self.deadline = now + min(self._limits.first_byte_seconds, self._limits.keep_alive_seconds)
        if not self.context.connections.admit(self, now):
            self._fail(Unavailable("Too many connections are open. Retry shortly.", retry_after_seconds=1))
            if not self.context.connections.keep_refused(self):
                transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Notify what still runs for this client that it has disconnected."""
        for cycle in (self._running, *(queued for queued, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.context.connections.remove(self)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what the client has sent."""
        if self._is_last:
            self._discard(len(data))
            return
        self._fed = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_last = True  # what follows would be of the other protocol
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            if not self._is_last:
                self._fail(error_of(error))
        if self._phase is not Phase.NOTHING and not self._is_last:
            self._bound_unfinished(self._fed)

    @override
    def pause_writing(self) -> None:
        """Note that the client does not read its responses."""
        super().pause_writing()
        now = self.loop.time()
        self._unsent = self.transport.get_write_buffer_size()
        self.deadline = now + self._limits.stall_seconds
        self.context.connections.wait(self, now)

    @override
    def resume_writing(self) -> None:
        """Note that the client reads its responses."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._expect_client()

    # What the server calls, and its table of connections

    @override
    def shutdown(self) -> None:
        """Finish what is being received and responded to, and close the connection."""
        self._is_draining = True
        if self._has_cycle:
            self.cycle.keep_alive = False
        if self._phase is Phase.NOTHING and not self._is_responding():
            self.loop.call_later(DRAIN_SECONDS, self._close_drained)

    def evict(self) -> None:
        """Close the connection at once, for another."""
        self.transport.abort()

    def time_out(self, now: float) -> None:
        """End or prolong what has taken too long."""
        if self.flow.write_paused:
            self._check_progress(now)
        elif self.transport.is_closing() or self._failure is not None:
            self.transport.abort()
        elif self._phase is Phase.NOTHING:
            self._close()
        elif self.flow.read_paused:  # the server's own doing
            self.deadline = now + self._limits.stall_seconds
        else:
            self._fail(RequestTimeout())

    # What the parser calls

    @override
    def on_message_begin(self) -> None:
        """Begin with the next request. Raises Refused when no more is read."""
        if self._is_last:
            raise Refused
        self.url = b""
        self.headers = []
        self._has_cycle = False
        self._phase = Phase.HEAD
        self._received = NOT_COUNTED

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header. Trailers are dropped: nothing may take them for headers (RFC 9110, 6.5.1)."""
        if self._phase is Phase.HEAD:
            self.headers.append((name.lower(), value))

    def _begin_cycle(self, target: bytes, headers: Headers) -> None:
        """Hand the request that is being received to uvicorn, which runs the application or lets the request wait."""
        super().on_message_begin()
        self.url = target
        self.headers.extend(headers)
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        super().on_headers_complete()
        self._has_cycle = True

    # Deadlines and bounds

    def _is_responding(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _response_deadline(self) -> float:
        return inf  # the applications' own

    def _expect_client(self) -> None:
        """Set the deadline of what comes next: the server's response, or the client's request."""
        if self._is_responding():
            self.context.connections.work(self)
            self.deadline = self._response_deadline()
            return
        now = self.loop.time()
        if self._phase is Phase.NOTHING:
            self.context.connections.wait(self, now)
            self.deadline = now + (DRAIN_SECONDS if self._is_draining else self._limits.keep_alive_seconds)
        else:
            self.deadline = now + self._limits.stall_seconds

    def _check_head(self) -> None:
        """Raise Refused if the head is too large."""
        if len(self.headers) > self._limits.headers_maximum:
            raise Refused(HeadersTooLarge())
        if self._received == NOT_COUNTED and self._fed <= self._limits.head_bytes_maximum:
            return  # all of it has arrived at once, with not more than that
        size = len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.headers])
        if size > self._limits.head_bytes_maximum:
            raise Refused(HeadersTooLarge())

    def _bound_unfinished(self, received: int) -> None:
        """Bound the size and the time of a request whose head or body has not yet arrived."""
        now = self.loop.time()
        if self._received == NOT_COUNTED:  # what has just been received may belong to an earlier part
            self._received = 0
            self._began = now
        else:
            self._received += received
        if self._phase is Phase.HEAD:
            self.deadline = min(self._began + self._limits.head_seconds, self._response_deadline())
            if self._received > self._limits.head_bytes_maximum:
                self._fail(HeadersTooLarge())
            return
        self.deadline = min(self._began + self._limits.body_seconds, now + self._limits.stall_seconds)
        if self._received > self._limits.message_bytes_maximum:
            self._fail(PayloadTooLarge())

    def _discard(self, length: int) -> None:
        """Disconnect a client that goes on sending although nothing is read any more."""
        self._discarded += length
        if self._discarded > self._limits.discarded_bytes_maximum:
            self.transport.abort()

    def _check_progress(self, now: float) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent:
            self.transport.abort()
        self._unsent = unsent
        self.deadline = now + self._limits.stall_seconds

    # The end

    def _fail(self, error: DomainError) -> None:
        """End the connection with the error, after the responses to the requests before."""
        self._is_last = True
        self._failure = error
        if self._phase is Phase.BODY and self._has_cycle:
            self._fail_cycle()
        elif self._is_responding():
            self.deadline = self._response_deadline()
        else:
            self._send_failure(error)

    def _fail_cycle(self) -> None:
        """Let the application respond to the error, if it has not responded yet."""
        self.cycle.keep_alive = False
        if self.cycle.response_complete:  # the client has had time to read the response
            self._close()
        else:
            self.deadline = self._response_deadline()
            self._failed_scope = self.cycle.scope
            self.cycle.message_event.set()

    def _send_failure(self, error: DomainError) -> None:
        request_id = request_id_from(header({"headers": self.headers or []}, b"x-request-id"))
        response = raw_response(error_response(error, request_id))
        self._write(response, request_id, self.scheme or "http", keep_alive=False)
        self._log(response.status, request_id)
        self._close_gently()

    def _write(self, response: RawResponse, request_id: str, scheme: str, *, keep_alive: bool) -> None:
        server_headers = self.server_state.default_headers
        self.transport.write(
            self.context.encoded_response(response, request_id, scheme, server_headers, keep_alive=keep_alive)
        )

    def _close(self) -> None:
        self._is_last = True
        self.transport.close()
        self.deadline = self.loop.time() + self._limits.stall_seconds

    def _close_gently(self) -> None:
        """Close the connection, and let the client read the response first (RFC 9112, 9.6)."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self.deadline = self.loop.time() + self._limits.linger_seconds

    def _close_drained(self) -> None:
        if self._phase is Phase.NOTHING and not self._is_responding() and not self.transport.is_closing():
            self._close()

    def _log(self, status: int, request_id: str) -> None:
        """Log a request that the protocol has answered itself, or that has not arrived."""
        has_target = self._phase is not Phase.NOTHING and bool(self.url)
        method = self.parser.get_method() if has_target else b"-"
        self.context.log(method, self.url if has_target else b"-", status, request_id, self._client_address)
