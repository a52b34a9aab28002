"""The head of an inline request is examined once while a connection repeats it, and no other is taken for it."""

import pytest

from apps.core.http.http_settings import HttpSettings
from tests.support.wire import INLINE, Connections, answers_in, bodies, chunked, request, settled

PLAIN = [b"Content-Type: text/plain"]


async def _in_turn(connections: Connections, *requests: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """Send each request on one connection once the one before is answered."""
    protocol, wire = connections.open()
    for each in requests:
        if not wire.is_closed:
            protocol.data_received(each)
            await settled()
    return bodies(answers_in(bytes(wire.sent))), wire.is_closed


async def test_repeated_head_is_the_same_object():
    connections = Connections()
    await _in_turn(connections, *[request("POST", INLINE, body) for body in (b"one", b"two", b"three", b"four!")])
    first, second, longer, last = [each.head for each in connections.operation.requests]
    assert first is second
    assert first is not longer  # of another length
    assert longer is last


@pytest.mark.parametrize(
    "changed",
    [
        request("PUT", INLINE, b"two", PLAIN),
        request("POST", INLINE + "?a", b"two", PLAIN),
        request("POST", INLINE, b"two", [b"Origin: https://a.example"]),
        request("POST", INLINE, b"two", [b"Content-Type: text/html"]),
        request("POST", INLINE, b"two", PLAIN * 2),
        request("POST", INLINE, b"two", PLAIN).replace(b"keyhouse.localhost", b"evil.example"),
        request("POST", INLINE, b"two", PLAIN).replace(b"HTTP/1.1", b"HTTP/1.0"),
        chunked(INLINE, b"two"),
    ],
)
async def test_another_head_is_not_taken_for_the_last(changed: bytes):
    served_here = HttpSettings(allowed_hosts=("keyhouse.localhost",))
    connections, all_through_the_application = Connections(settings=served_here), Connections(is_inline=False)
    first = request("POST", INLINE, b"one", PLAIN)
    answers, has_ended = await _in_turn(connections, first, changed, first)
    assert (answers, has_ended) == await _in_turn(all_through_the_application, first, changed, first)
    types = [each.head.fields.get(b"content-type") for each in connections.operation.requests]
    assert types.count(b"text/plain") == (1 if has_ended else 2)
