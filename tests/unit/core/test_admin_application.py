"""The requests that the admin application passes to Django's handler, and those that it rejects."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from apps.core.http.admin_application import AdminApplication
from apps.core.http.asgi import Message
from apps.core.http.http_settings import HttpSettings
from apps.core.request_context import current_request

pytestmark = pytest.mark.unit

WHOLE = ({"type": "http.request", "body": b"a=1"},)
DISCONNECT = {"type": "http.disconnect"}
STARTED = {"type": "http.request", "body": b"a", "more_body": True}


class Django:
    """An application that reads one message, waits for `released` with `waits`, and responds."""

    def __init__(self, *, waits: bool = False) -> None:
        self.received: list[Message] = []
        self.reached = asyncio.Event()
        self.released = asyncio.Event()
        if not waits:
            self.released.set()

    async def __call__(self, _scope, receive, send):
        self.received.append(await receive())
        self.reached.set()
        await self.released.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]})
        await send({"type": "http.response.body", "body": b"done"})


class Client:
    """Sends these messages and then nothing, and collects the response messages."""

    def __init__(self, messages: Sequence[Message] = WHOLE) -> None:
        self.sent: list[Message] = []
        self.taken = 0
        self._messages = messages

    async def receive(self) -> Message:
        if self.taken == len(self._messages):
            await asyncio.Event().wait()
        self.taken += 1
        return self._messages[self.taken - 1]

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def request(
        self,
        application: AdminApplication,
        headers: Sequence[tuple[bytes, bytes]] = (),
        query: bytes = b"",
        method: str = "POST",
    ) -> None:
        sent = [(b"host", b"keyhouse.localhost"), *headers]
        head = {"method": method, "path": "/admin/login/", "headers": sent, "query_string": query}
        scope = {"type": "http", "scheme": "https", **head}
        await application(scope, self.receive, self.send)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def admin_application(django: Django, **settings: Any) -> AdminApplication:
    return AdminApplication(django, HttpSettings(body_bytes_maximum=5, **settings))


@asynccontextmanager
async def background_request(client: Client, application: AdminApplication) -> AsyncIterator[None]:
    """Send a request in the background, and cancel it at the end."""
    task = asyncio.create_task(client.request(application))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_application_receives_whole_body_then_disconnect():
    received: list[Message] = []

    async def django(_scope, receive, _send):
        received.extend([await receive(), await receive()])

    client = Client([STARTED, {"type": "http.request", "body": b"bc"}, DISCONNECT])
    await client.request(AdminApplication(django, HttpSettings()))
    assert received == [{"type": "http.request", "body": b"abc", "more_body": False}, DISCONNECT]


async def test_response_has_the_request_id():
    client = Client()
    await client.request(admin_application(Django()))
    assert client.sent[0]["headers"] == [
        (b"a", b"1"),
        (b"x-request-id", current_request().request_id.encode()),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    assert client.sent[1]["body"] == b"done"


async def test_refusal_has_security_headers():
    client = Client()
    settings = HttpSettings(strict_transport_security="max-age=60")
    await client.request(AdminApplication(Django(), settings), method="DELETE")
    headers = dict(client.sent[0]["headers"])
    assert headers[b"strict-transport-security"] == b"max-age=60"
    assert headers[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ([(b"content-length", b"6")], b"", 413),
        ([(b"content-length", b"299000000")], b"", 413),
        ([(b"content-length", b"5, 5")], b"", 400),
        ([], b"plan=%00", 400),
        ([(b"host", b"keyhouse.localhost")], b"", 400),
        ([(b"content-encoding", b"gzip")], b"", 415),
    ],
)
async def test_invalid_request_is_rejected_without_reading_the_body(headers, query, status):
    django, client = Django(), Client()
    await client.request(admin_application(django), headers, query)
    assert (client.status, client.taken, django.received) == (status, 0, [])
    assert client.headers[b"content-length"] == str(len(client.sent[1]["body"])).encode()
    assert b"x-request-id" in client.headers


async def test_body_is_rejected_as_soon_as_it_is_too_long():
    django, client = Django(), Client([{**STARTED, "body": b"abc"}] * 100)
    await client.request(admin_application(django))
    assert (client.status, client.taken, django.received) == (413, 2, [])


@pytest.mark.parametrize("method", ["post", "Post", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_other_methods_are_rejected(method: str):
    django, client = Django(), Client()
    await client.request(admin_application(django), method=method)
    assert (client.status, client.headers[b"allow"], django.received) == (405, b"GET, HEAD, POST", [])


async def test_incomplete_body_is_rejected():
    django, client = Django(), Client([STARTED, DISCONNECT])
    await client.request(admin_application(django))
    assert (client.status, django.received) == (400, [])


async def test_slow_body_takes_no_slot():
    django, idle, quick = Django(), Client([STARTED]), Client()
    application = admin_application(django, admin_requests_maximum=1)
    async with background_request(idle, application):
        assert idle.taken == 1
        await quick.request(application)
    assert (quick.status, idle.sent) == (200, [])


async def test_incomplete_body_times_out():
    django, idle = Django(), Client([STARTED])
    await idle.request(admin_application(django, response_seconds_maximum=0.01))
    assert (idle.status, idle.headers[b"retry-after"], django.received) == (503, b"1", [])


async def test_waiting_for_a_slot_times_out_and_slot_is_released():
    django, first, second, third = Django(waits=True), Client(), Client(), Client()
    application = admin_application(django, admin_requests_maximum=1, response_seconds_maximum=0.01)
    async with background_request(first, application):
        await django.reached.wait()
        await second.request(application)
        assert (second.status, second.headers[b"retry-after"], len(django.received)) == (503, b"1", 1)
        assert first.sent == []  # a request with a slot has no timeout
        django.released.set()
        await third.request(application)
    assert third.status == 200


async def test_slot_is_released_after_a_failure():
    async def broken(_scope, _receive, _send):
        raise RuntimeError("broken")

    application = AdminApplication(broken, HttpSettings(admin_requests_maximum=1, response_seconds_maximum=0.01))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            await Client().request(application)
