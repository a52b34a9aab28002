"""Reading request bodies."""

import asyncio

import pytest

from apps.core.errors import MalformedRequest, PayloadTooLarge, Unavailable
from apps.core.http.request_body import LARGE_BODIES_MAXIMUM, BodyReader, IncompleteBody
from apps.core.http.request_head import RequestHead

pytestmark = pytest.mark.unit


class Incoming:
    """An ASGI `receive` that returns these parts of a body, and counts the parts that were taken."""

    def __init__(self, *parts: bytes, then_disconnects: bool = False) -> None:
        self.taken = 0
        ends = len(parts) if not then_disconnects else len(parts) + 1
        self._messages = [
            {"type": "http.request", "body": part, "more_body": number < ends} for number, part in enumerate(parts, 1)
        ]
        self._messages.append({"type": "http.disconnect"})

    async def __call__(self):
        self.taken += 1
        return self._messages[self.taken - 1]


def head_of(length: bytes | None = None, *, has_credential: bool = True) -> RequestHead:
    return RequestHead(length, has_credential)


def reader() -> BodyReader:
    return BodyReader(5)


@pytest.mark.parametrize("parts", [(b"",), (b"abcde",), (b"ab", b"", b"cde"), (b"a", b"b", b"c", b"d", b"e")])
async def test_parts_are_joined(parts):
    assert await reader().read(head_of(), Incoming(*parts)) == b"".join(parts)


async def test_body_of_maximum_size_is_read():
    assert await reader().read(head_of(b"5"), Incoming(b"abcde")) == b"abcde"


@pytest.mark.parametrize("length", [b"6", b"10485760", b"9" * 19, b"9" * 5000])
async def test_declared_length_is_rejected_without_reading(length):
    incoming = Incoming(b"abcdef")
    with pytest.raises(PayloadTooLarge):
        await reader().read(head_of(length), incoming)
    assert incoming.taken == 0


async def test_reading_stops_when_the_body_is_too_long():
    incoming = Incoming(b"abc", b"def", b"ghi")
    with pytest.raises(PayloadTooLarge):
        await reader().read(head_of(), incoming)
    assert incoming.taken == 2


async def test_understated_content_length_is_rejected():
    with pytest.raises(PayloadTooLarge):
        await reader().read(head_of(b"1"), Incoming(b"abcdef"))


@pytest.mark.parametrize("length", [b"", b"-1", b"+5", b"5.0", b"0x5", b"five", b"\xb2", b"5, 5"])
async def test_invalid_content_length_is_rejected(length):
    with pytest.raises(MalformedRequest):
        await reader().read(head_of(length), Incoming(b"abc"))


async def test_body_that_ends_early_is_rejected():
    with pytest.raises(IncompleteBody):
        await reader().read(head_of(), Incoming(b"abc", then_disconnects=True))


async def test_limit_without_a_credential_applies_while_reading():
    bodies, parts = BodyReader(1024 * 1024), [b"x" * 65536] * 16
    assert len(await bodies.read(head_of(), Incoming(*parts))) == 1024 * 1024
    incoming = Incoming(*parts)
    with pytest.raises(PayloadTooLarge, match="131072 bytes without authentication"):
        await bodies.read(head_of(has_credential=False), incoming)
    assert incoming.taken == 3


async def test_declared_length_without_a_credential_is_limited():
    incoming = Incoming(b"")
    with pytest.raises(PayloadTooLarge):
        await BodyReader(1024 * 1024).read(head_of(b"131073", has_credential=False), incoming)
    assert incoming.taken == 0


async def test_unfinished_large_bodies_are_limited_and_small_ones_are_not():
    bodies, head = BodyReader(1024 * 1024), head_of()
    unfinished = [asyncio.create_task(bodies.read(head, Unfinished(131073))) for _ in range(LARGE_BODIES_MAXIMUM)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await bodies.read(head, Incoming(b"x" * 131073, b"x"))
    assert await bodies.read(head, Incoming(b"x" * 65536, b"x")) == b"x" * 65537
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
    assert len(await bodies.read(head, Incoming(b"x" * 131073, b"x"))) == 131074


class Unfinished:
    """An ASGI `receive` that returns a part of this size, and then nothing."""

    def __init__(self, size: int) -> None:
        self._size = size

    async def __call__(self):
        if not self._size:
            await asyncio.Event().wait()
        body, self._size = b"x" * self._size, 0
        return {"type": "http.request", "body": body, "more_body": True}
