"""The time limit of a request."""

import asyncio

from apps.core.http.api_application import ApiApplication
from apps.core.http.asgi import Message, Receive, Scope
from apps.core.http.cancellation import Deadline
from apps.core.http.http_settings import HttpSettings

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/health", "headers": [(b"host", b"x")], "query_string": b""}


async def test_hanging_request_times_out_with_one_response():
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    receive: Receive = asyncio.Event().wait  # type: ignore[assignment]  # a body that never arrives
    await ApiApplication(HttpSettings(response_seconds_maximum=0.02))(SCOPE, receive, send)
    await asyncio.sleep(0)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 503
    assert dict(sent[0]["headers"])[b"retry-after"] == b"1"


async def test_timeout_does_not_wait_for_the_cancelled_task():
    timed_out = asyncio.Event()
    release = asyncio.Event()

    async def time_out() -> None:
        timed_out.set()

    async def resist_cancellation() -> None:
        deadline = Deadline(0.01, time_out)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert deadline.has_passed
            await release.wait()

    task = asyncio.create_task(resist_cancellation())
    await timed_out.wait()
    assert not task.done()
    release.set()
    await task


async def test_cancelled_deadline_does_not_fire():
    async def time_out() -> None:
        raise AssertionError

    deadline = Deadline(0.01, time_out)
    deadline.cancel()
    await asyncio.sleep(0.03)
    assert not deadline.has_passed
