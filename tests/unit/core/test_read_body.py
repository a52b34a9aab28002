"""Reading a request's body."""

import pytest

from apps.core.errors import MalformedRequest, PayloadTooLarge
from apps.core.http.disconnect import ClientDisconnected
from apps.core.http.request_body import read_body

pytestmark = pytest.mark.unit


class Incoming:
    """An ASGI `receive` that gives these parts of a body, and remembers how many were taken."""

    def __init__(self, *parts: bytes, then_gone: bool = False) -> None:
        self.taken = 0
        ends = len(parts) if not then_gone else len(parts) + 1
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
async def test_joins_the_parts(parts):
    assert await read_body(scope_of(), Incoming(*parts), 5) == b"".join(parts)


async def test_reads_exactly_as_much_as_is_allowed():
    assert await read_body(scope_of(b"5"), Incoming(b"abcde"), 5) == b"abcde"


@pytest.mark.parametrize("length", [b"6", b"10485760", b"9" * 19, b"9" * 5000])
async def test_refuses_by_the_declared_length_without_reading(length):
    incoming = Incoming(b"abcdef")
    with pytest.raises(PayloadTooLarge):
        await read_body(scope_of(length), incoming, 5)
    assert incoming.taken == 0


async def test_stops_reading_at_the_part_that_is_too_much():
    incoming = Incoming(b"abc", b"def", b"ghi")
    with pytest.raises(PayloadTooLarge):
        await read_body(scope_of(), incoming, 5)
    assert incoming.taken == 2


async def test_does_not_believe_a_length_that_is_too_small():
    with pytest.raises(PayloadTooLarge):
        await read_body(scope_of(b"1"), Incoming(b"abcdef"), 5)


@pytest.mark.parametrize("length", [b"", b"-1", b"+5", b"5.0", b"0x5", b"five", b"\xb2", b"5, 5"])
async def test_refuses_a_length_that_is_no_number(length):
    with pytest.raises(MalformedRequest):
        await read_body(scope_of(length), Incoming(b"abc"), 5)


async def test_notices_that_the_client_has_gone():
    with pytest.raises(ClientDisconnected):
        await read_body(scope_of(), Incoming(b"abc", then_gone=True), 5)
