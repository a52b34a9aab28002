"""A body that is made while it is sent: chunk by chunk, and only while the client is there."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from apps.core.http.api_application import _stream
from apps.core.http.asgi_messages import StreamedResponse, raw_response

pytestmark = pytest.mark.unit


class Chunks:
    """Makes chunks, and notes how many were made and whether the rest was given up."""

    def __init__(self, number: int, *, fails: bool = False) -> None:
        self.made = 0
        self.is_closed = False
        self._number = number
        self._fails = fails

    async def generate(self) -> AsyncGenerator[bytes]:
        try:
            for number in range(self._number):
                self.made += 1
                yield f"{number}\n".encode()
            if self._fails:
                raise RuntimeError("the database is gone")
        finally:
            self.is_closed = True


class Client:
    """Receives messages, and disconnects after some of them."""

    def __init__(self, stays_for: int = 1000) -> None:
        self.messages: list[Any] = []
        self._stays_for = stays_for
        self._leaves = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        if len(self.messages) >= self._stays_for:
            self._leaves.set()
            await asyncio.sleep(60)  # the client reads no more

    async def receive(self) -> Any:
        await self._leaves.wait()
        return {"type": "http.disconnect"}


async def test_chunks_are_sent_one_after_another():
    chunks, client = Chunks(3), Client()
    await _stream(chunks.generate(), client.receive, client.send, has_body=True)
    assert [message["body"] for message in client.messages] == [b"0\n", b"1\n", b"2\n", b""]
    assert [message.get("more_body", False) for message in client.messages] == [True, True, True, False]
    assert chunks.is_closed


async def test_nothing_more_is_made_when_the_client_disconnects():
    chunks, client = Chunks(1_000_000), Client(stays_for=2)
    async with asyncio.timeout(5):
        await _stream(chunks.generate(), client.receive, client.send, has_body=True)
    assert (chunks.made, len(client.messages), chunks.is_closed) == (2, 2, True)


async def test_head_makes_no_body():
    chunks, client = Chunks(3), Client()
    await _stream(chunks.generate(), client.receive, client.send, has_body=False)
    assert (chunks.made, [message["body"] for message in client.messages]) == (0, [b""])


async def test_an_error_breaks_the_body_off():
    chunks, client = Chunks(1, fails=True), Client()
    with pytest.raises(RuntimeError):
        await _stream(chunks.generate(), client.receive, client.send, has_body=True)
    assert client.messages[-1]["more_body"] is True


async def test_head_of_the_response_has_no_length():
    raw = raw_response(StreamedResponse(Chunks(1).generate(), "text/csv", "usage.csv"))
    headers = dict(raw.headers)
    assert b"content-length" not in headers
    assert (headers[b"content-type"], headers[b"cache-control"]) == (b"text/csv", b"no-store")
    assert headers[b"content-disposition"] == b'attachment; filename="usage.csv"'
