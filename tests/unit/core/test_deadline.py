"""A request that is worked on for too long."""

import asyncio

from apps.core.http.api_application import ApiApplication
from apps.core.http.asgi_types import Message, Receive, Scope
from apps.core.http.deadline import Deadline
from apps.core.http.http_settings import HttpSettings

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/health", "headers": [], "query_string": b""}


async def test_a_request_that_hangs_is_refused_once_and_ended():
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    receive: Receive = asyncio.Event().wait  # type: ignore[assignment]  # a body that never comes
    await ApiApplication(HttpSettings(answer_seconds_maximum=0.02))(SCOPE, receive, send)
    await asyncio.sleep(0)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 503
    assert dict(sent[0]["headers"])[b"retry-after"] == b"1"


async def test_the_refusal_does_not_wait_for_what_hangs_in_its_cancellation():
    refused = asyncio.Event()
    release = asyncio.Event()

    async def refuse() -> None:
        refused.set()

    async def stubborn() -> None:
        deadline = Deadline(0.01, refuse)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert deadline.has_passed
            await release.wait()

    task = asyncio.create_task(stubborn())
    await refused.wait()
    assert not task.done()
    release.set()
    await task


async def test_what_is_called_off_never_comes():
    async def refuse() -> None:
        raise AssertionError

    deadline = Deadline(0.01, refuse)
    deadline.call_off()
    await asyncio.sleep(0.03)
    assert not deadline.has_passed
