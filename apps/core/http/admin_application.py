"""The staff door: Django's own ASGI handler, which takes what it is given, and what it may be given."""

import asyncio
from http import HTTPStatus

from apps.core.errors import DomainError, MalformedRequest, Unavailable
from apps.core.http.asgi_types import Application, Message, Receive, Scope, Send
from apps.core.http.disconnect import ClientDisconnected
from apps.core.http.error_responses import error_headers
from apps.core.http.http_settings import HttpSettings
from apps.core.http.request_body import read_body
from apps.core.request_context import current_request

# What no text in PostgreSQL holds: a filter of the admin that is asked for it would fail in the database.
NUL = b"%00"


class AdminApplication:
    """An ASGI application that hands on requests whose body is there, so many at once.

    Django's handler takes any body, writes what is long to a file, and waits for ever for the rest. Whoever sends
    slowly would hold a place, and a few of them the door.
    """

    def __init__(self, django: Application, settings: HttpSettings) -> None:
        self._django = django
        self._settings = settings
        # Each request has a thread and a connection; more at once would take those the API needs.
        self._places = asyncio.Semaphore(settings.staff_requests_maximum)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        send = _with_request_id(send)
        try:
            body = await self._admit(scope, receive)
        except ClientDisconnected:
            return
        except DomainError as refusal:
            await _refuse(refusal, send)
            return
        try:
            await self._django(scope, _replaying(body, receive), send)
        finally:
            self._places.release()

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """Return the request's body, with a place taken for it; raises the refusal, or ClientDisconnected."""
        if NUL in scope["query_string"]:
            raise MalformedRequest("The address is malformed.")
        try:
            async with asyncio.timeout(self._settings.answer_seconds_maximum):
                body = await read_body(scope, receive, self._settings.body_bytes_maximum)
                await self._places.acquire()
        except TimeoutError as error:
            raise Unavailable("This takes too long; try again shortly.") from error
        return body


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body first, and afterwards what comes of the client: that it has gone."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _with_request_id(send: Send) -> Send:
    request_id = (b"x-request-id", current_request().request_id.encode())

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), request_id]
        await send(message)

    return send_with_id


async def _refuse(refusal: DomainError, send: Send) -> None:
    body = refusal.public_message.encode()
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))} | error_headers(refusal)
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": HTTPStatus(refusal.status), "headers": encoded})
    await send({"type": "http.response.body", "body": body})
