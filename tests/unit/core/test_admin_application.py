"""What the staff door hands on to Django's handler, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from apps.core.http.admin_application import AdminApplication
from apps.core.http.asgi_types import Message
from apps.core.http.http_settings import HttpSettings
from apps.core.request_context import current_request

pytestmark = pytest.mark.unit

WHOLE = ({"type": "http.request", "body": b"a=1"},)
GONE = {"type": "http.disconnect"}
STARTED = {"type": "http.request", "body": b"a", "more_body": True}


class Django:
    """An application that reads one message, waits for its leave if it has to, and answers."""

    def __init__(self, *, waits: bool = False) -> None:
        self.received: list[Message] = []
        self.reached = asyncio.Event()
        self.leave = asyncio.Event()
        if not waits:
            self.leave.set()

    async def __call__(self, _scope, receive, send):
        self.received.append(await receive())
        self.reached.set()
        await self.leave.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]})
        await send({"type": "http.response.body", "body": b"done"})


class Client:
    """Sends these messages and then nothing, and keeps what it is sent."""

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

    async def ask(
        self, door: AdminApplication, headers: Sequence[tuple[bytes, bytes]] = (), query: bytes = b""
    ) -> None:
        scope = {"type": "http", "path": "/admin/login/", "headers": list(headers), "query_string": query}
        await door(scope, self.receive, self.send)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def door_to(django: Django, **settings: Any) -> AdminApplication:
    return AdminApplication(django, HttpSettings(body_bytes_maximum=5, **settings))


@asynccontextmanager
async def asking(client: Client, door: AdminApplication) -> AsyncIterator[None]:
    """Ask in the background, and give up in the end."""
    task = asyncio.create_task(client.ask(door))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_hands_on_the_whole_body_and_then_what_comes_of_the_client():
    received: list[Message] = []

    async def django(_scope, receive, _send):
        received.extend([await receive(), await receive()])

    client = Client([STARTED, {"type": "http.request", "body": b"bc"}, GONE])
    await client.ask(AdminApplication(django, HttpSettings()))
    assert received == [{"type": "http.request", "body": b"abc", "more_body": False}, GONE]


async def test_an_answer_carries_the_request_id():
    client = Client()
    await client.ask(door_to(Django()))
    assert client.sent[0]["headers"] == [(b"a", b"1"), (b"x-request-id", current_request().request_id.encode())]
    assert client.sent[1]["body"] == b"done"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ([(b"content-length", b"6")], b"", 413),
        ([(b"content-length", b"299000000")], b"", 413),
        ([(b"content-length", b"5, 5")], b"", 400),
        ([], b"plan=%00", 400),
    ],
)
async def test_refuses_unread(headers, query, status):
    django, client = Django(), Client()
    await client.ask(door_to(django), headers, query)
    assert (client.status, client.taken, django.received) == (status, 0, [])
    assert client.headers[b"content-length"] == str(len(client.sent[1]["body"])).encode()
    assert b"x-request-id" in client.headers


async def test_refuses_as_soon_as_a_body_is_too_long():
    django, client = Django(), Client([{**STARTED, "body": b"abc"}] * 100)
    await client.ask(door_to(django))
    assert (client.status, client.taken, django.received) == (413, 2, [])


async def test_a_client_that_has_gone_is_told_nothing():
    django, client = Django(), Client([STARTED, GONE])
    await client.ask(door_to(django))
    assert (client.sent, django.received) == ([], [])


async def test_whoever_sends_slowly_takes_no_place():
    django, idle, quick = Django(), Client([STARTED]), Client()
    door = door_to(django, staff_requests_maximum=1)
    async with asking(idle, door):
        assert idle.taken == 1
        await quick.ask(door)
    assert (quick.status, idle.sent) == (200, [])


async def test_a_body_that_does_not_come_is_not_waited_for():
    django, idle = Django(), Client([STARTED])
    await idle.ask(door_to(django, answer_seconds_maximum=0.01))
    assert (idle.status, idle.headers[b"retry-after"], django.received) == (503, b"1", [])


async def test_a_place_is_not_waited_for_for_ever_and_is_given_back():
    django, first, second, third = Django(waits=True), Client(), Client(), Client()
    door = door_to(django, staff_requests_maximum=1, answer_seconds_maximum=0.01)
    async with asking(first, door):
        await django.reached.wait()
        await second.ask(door)
        assert (second.status, second.headers[b"retry-after"], len(django.received)) == (503, b"1", 1)
        assert first.sent == []  # who has a place may take longer
        django.leave.set()
        await third.ask(door)
    assert third.status == 200


async def test_a_place_is_given_back_after_a_failure():
    async def broken(_scope, _receive, _send):
        raise RuntimeError("broken")

    door = AdminApplication(broken, HttpSettings(staff_requests_maximum=1, answer_seconds_maximum=0.01))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            await Client().ask(door)
