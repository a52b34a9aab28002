"""Reading request bodies."""

import pytest

from apps.core.errors import MalformedRequest, PayloadTooLarge
from apps.core.http.asgi_messages import read_body
from apps.core.http.cancellation import ClientDisconnected

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


def scope_of(*lengths: bytes):
    return {"headers": [(b"content-length", length) for length in lengths]}


@pytest.mark.parametrize("parts", [(b"",), (b"abcde",), (b"ab", b"", b"cde"), (b"a", b"b", b"c", b"d", b"e")])
async def test_parts_are_joined(parts):
    assert await read_body(scope_of(), Incoming(*parts), 5) == b"".join(parts)


async def test_body_of_maximum_size_is_read():
    assert await read_body(scope_of(b"5"), Incoming(b"abcde"), 5) == b"abcde"


@pytest.mark.parametrize("length", [b"6", b"10485760", b"9" * 19, b"9" * 5000])
async def test_declared_length_is_rejected_without_reading(length):
    incoming = Incoming(b"abcdef")
    with pytest.raises(PayloadTooLarge):
        await read_body(scope_of(length), incoming, 5)
    assert incoming.taken == 0


async def test_reading_stops_when_the_body_is_too_long():
    incoming = Incoming(b"abc", b"def", b"ghi")
    with pytest.raises(PayloadTooLarge):
        await read_body(scope_of(), incoming, 5)
    assert incoming.taken == 2


async def test_understated_content_length_is_rejected():
    with pytest.raises(PayloadTooLarge):
        await read_body(scope_of(b"1"), Incoming(b"abcdef"), 5)


@pytest.mark.parametrize("length", [b"", b"-1", b"+5", b"5.0", b"0x5", b"five", b"\xb2", b"5, 5"])
async def test_invalid_content_length_is_rejected(length):
    with pytest.raises(MalformedRequest):
        await read_body(scope_of(length), Incoming(b"abc"), 5)


async def test_disconnect_while_reading_is_raised():
    with pytest.raises(ClientDisconnected):
        await read_body(scope_of(), Incoming(b"abc", then_disconnects=True), 5)
