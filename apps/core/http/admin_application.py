"""The admin application: Django's own ASGI handler, with limits on what reaches it."""

import asyncio
from typing import ClassVar

from apps.core.database.page_statements import PageStatements, begin_page
from apps.core.errors import DomainError, MalformedRequest, MethodNotAllowed, Unavailable
from apps.core.http.asgi import Application, Headers, Message, Receive, Scope, Send
from apps.core.http.asgi_messages import raw_response
from apps.core.http.browser_headers import CROSS_ORIGIN_RESOURCE_POLICY, security_headers
from apps.core.http.error_responses import plain_error_response
from apps.core.http.http_settings import HttpSettings
from apps.core.http.request_body import BodyReader
from apps.core.http.request_head import checked_head
from apps.core.request_context import current_request

# PostgreSQL cannot store NUL in a text, so an admin filter with it would fail in the database.
NUL = b"%00"
METHODS = frozenset({"GET", "HEAD", "POST"})  # case-sensitive (RFC 9110, 9.1); Django converts them to upper case


class PageMethodNotAllowed(MethodNotAllowed):
    """The request's method is none of those that pages serve."""

    headers: ClassVar = {"Allow": ", ".join(sorted(METHODS))}


class AdminApplication:
    """An ASGI application that passes complete requests to Django's handler, and limits how many run concurrently.

    Django's handler accepts a body of any size, writes a long one to a file, and waits for the rest without a timeout.
    A few slow clients would otherwise occupy all slots and block the admin.
    """

    def __init__(self, django: Application, settings: HttpSettings) -> None:
        self._django = django
        self._settings = settings
        self._bodies = BodyReader(settings.body_bytes_maximum)
        # Each request uses a thread and a connection, which the API needs too.
        self._slots = asyncio.Semaphore(settings.admin_requests_maximum)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        request_id = (b"x-request-id", current_request().request_id.encode())
        try:
            body = await self._admit(scope, receive)
        except DomainError as error:
            await _send_error(error, _with_headers(send, [request_id, *security_headers(scope, self._settings)]))
            return
        # The other security headers are Django's.
        send = _with_headers(send, [request_id, CROSS_ORIGIN_RESOURCE_POLICY])
        try:
            await self._django(scope, _replaying(body, receive, begin_page()), send)
        finally:
            self._slots.release()

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """Read the request's body and acquire a slot. Raises DomainError."""
        head = checked_head(scope, self._settings)
        if scope["method"] not in METHODS:
            raise PageMethodNotAllowed
        if NUL in scope["query_string"]:
            raise MalformedRequest("The URL must not contain a NUL character (%00).")
        try:
            async with asyncio.timeout(self._settings.response_seconds_maximum):
                body = await self._bodies.read(head, receive)
                await self._slots.acquire()
        except TimeoutError as error:
            raise Unavailable("The request timed out. Retry shortly.") from error
        return body


def _replaying(body: bytes, receive: Receive, statements: PageStatements) -> Receive:
    """Return a `receive` that returns the whole body first, and then the client's next message: its disconnect.

    Then the page's statements are cancelled: the thread that waits for them would keep its slot.
    """
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        if messages:
            return messages.pop()
        message = await receive()
        await statements.cancel()
        return message

    return replay


def _with_headers(send: Send, headers: Headers) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return send_with_headers


async def _send_error(error: DomainError, send: Send) -> None:
    response = raw_response(plain_error_response(error))
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    await send({"type": "http.response.body", "body": response.body})
