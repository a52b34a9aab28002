"""The protocol of every connection: inline and through the application, in whatever pieces, the answers are the same.

After each request either the connection has ended, or the next request on it gets its own answer.
"""

import asyncio
from ipaddress import ip_network
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.http.asgi import Receive, Scope, Send
from apps.core.http.connections import ConnectionLimits
from apps.core.http.http_settings import HttpSettings
from apps.core.http.root_application import RootApplication
from apps.core.request_context import current_request
from tests.support.served import Logged, RecordedLog
from tests.support.wire import INLINE, Connections, answers_in, bodies, chunked, echo_application, request, settled

MARKER = request(path="/marker")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: keyhouse.localhost\r\n\r\n"
POST = b"POST /inline HTTP/1.1\r\nHost: keyhouse.localhost\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_complete_post_is_answered_inline():
    connections = Connections()
    answers, has_ended = await connections.converse(request("POST", INLINE, b"one"))
    assert (bodies(answers), has_ended) == ([(200, b"one")], False)
    (inline,) = connections.operation.requests
    assert (inline.body, inline.head.client_address) == (b"one", "192.0.2.9")
    assert inline.head.fields[b"host"] == b"keyhouse.localhost"


@pytest.mark.parametrize(
    "sent",
    [
        request("PUT", INLINE, b"one"),
        request("POST", INLINE + "?a", b"one"),
        request("POST", INLINE + "/", b"one"),
        request("POST", "/%69nline", b"one"),
        request("POST", INLINE),
        request("POST", INLINE, b""),
        request("POST", INLINE, b"!one"),
        request("POST", INLINE, b"one", [b"Origin: https://a.example"]),
        request("POST", INLINE, b"one", [b"Expect: nothing"]),
        request("POST", INLINE, b"one", [b"Content-Encoding: identity"]),
        request("POST", INLINE, b"one", [b"X-A: 1", b"x-a: 2"]),
        request("POST", INLINE, b"x" * (128 * 1024 + 1)),
        request("POST", "http://keyhouse.localhost" + INLINE, b"one"),
        request("POST", INLINE, b"one").replace(b"HTTP/1.1", b"HTTP/1.0"),
        chunked(INLINE, b"one"),
    ],
)
async def test_everything_else_reaches_the_application(sent: bytes):
    connections = Connections()
    answers, _ = await connections.converse(sent)
    assert [answer.status for answer in answers] == [200]
    assert connections.operation.requests == []
    assert bodies(answers) == bodies((await Connections(is_inline=False).converse(sent))[0])


STREAMS = {
    "inline and then others": request("POST", INLINE, b"one") + MARKER + request("POST", INLINE, b"two") + MARKER,
    "others and then inline": MARKER + request("POST", INLINE, b"one") + chunked("/a", b"x", b"yz") + MARKER,
    "declined": request("POST", INLINE, b"!one") + request("POST", INLINE, b"two"),
    "chunks": chunked(INLINE, b"one", b"two") + request("POST", INLINE, b"three"),
    "the last": request("POST", INLINE, b"one", [b"Connection: close"]) + SMUGGLED,
    "the last through the application": request("POST", "/a", b"one", [b"Connection: close"]) + SMUGGLED,
    "an error in between": request("POST", INLINE, b"one") + b"BREW / HTTP/1.1\r\n\r\n" + SMUGGLED,
    "an error in the head": MARKER + b"GET / HTTP/1.1\r\nHost : a\r\n\r\n" + SMUGGLED,
    "an error in a chunk": request("POST", INLINE, b"one") + CHUNKS + b"3\r\nabc\r\nx\r\n" + SMUGGLED,
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
async def test_pieces_do_not_matter(stream: bytes):
    whole = await Connections(is_inline=False).converse(stream)
    assert b"GET /smuggled" not in b"".join(answer.body for answer in whole[0])
    for offset in range(len(stream)):
        answers, has_ended = await Connections().converse(stream[:offset], stream[offset:])
        assert (bodies(answers), has_ended) == (bodies(whole[0]), whole[1]), offset
    byte_by_byte = await Connections().converse(*[stream[i : i + 1] for i in range(len(stream))])
    assert (bodies(byte_by_byte[0]), byte_by_byte[1]) == (bodies(whole[0]), whole[1])


KINDS = st.sampled_from(["inline", "declined", "chunked", "get", "head", "proxied", "twice"])


def _numbered(kind: str, number: int) -> bytes:
    body = b"%d" % number
    match kind:
        case "inline" | "declined":
            return request("POST", INLINE, (b"!" if kind == "declined" else b"") + body)
        case "chunked":
            return chunked(INLINE, body[:1], body[1:]) if body[1:] else chunked(INLINE, body)
        case "proxied":
            return request("POST", INLINE, body, [b"X-Forwarded-For: 203.0.113.7"])
        case "twice":
            return request("POST", INLINE, body, [b"X-A: 1", b"X-A: 2"])
        case _:
            return request(kind.upper(), f"/{number}")


@given(kinds=st.lists(KINDS, min_size=1, max_size=12), cuts=st.lists(st.integers(0, 3000), max_size=12), data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_requests_in_any_pieces_are_answered_in_order(kinds: list[str], cuts: list[int], data: st.DataObject):
    stream = b"".join(_numbered(kind, number) for number, kind in enumerate(kinds))
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parts = [stream[start:end] for start, end in pairwise(edges)]
    waits = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))

    async def send() -> tuple[bytes, bytes]:
        return await _sent(Connections(), parts, waits), await _sent(Connections(is_inline=False), parts, waits)

    inline, usual = asyncio.run(send())
    got = _bodies_of(inline, kinds)
    assert got == _bodies_of(usual, kinds)
    assert [number for number in got if number is not None] == [n for n, kind in enumerate(kinds) if kind != "head"]


async def _sent(connections: Connections, parts: list[bytes], waits: list[bool]) -> bytes:
    protocol, wire = connections.open()
    for part, waits_after in zip(parts, waits, strict=True):
        protocol.data_received(part)
        if waits_after:
            await settled()
    await settled()
    await settled()
    assert not wire.is_closed
    protocol.connection_lost(None)
    return bytes(wire.sent)


def _bodies_of(sent: bytes, kinds: list[str]) -> list[int | None]:
    """Return the number in each body."""
    numbers: list[int | None] = []
    for kind in kinds:
        end = sent.index(b"\r\n\r\n") + 4
        length = int(sent[:end].lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = b"" if kind == "head" else sent[end : end + length]
        numbers.append(int(body.strip(b"!").removeprefix(b"GET /")) if body else None)
        sent = sent[end + len(body) :]
    assert sent == b""
    return numbers


async def test_host_of_an_absolute_url_counts():
    hosts: list[bytes] = []

    async def note(scope: Scope, _receive: Receive, send: Send) -> None:
        hosts.extend(value for name, value in scope["headers"] if name == b"host")
        assert (scope["path"], scope["query_string"]) in {("/a", b"b"), ("/", b"")}
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    connections = Connections(application=note)
    for target in ("http://one.example/a?b", "HTTP://two.example:80/a?b", "http://[::1]:8000", "http://three.example"):
        await connections.converse(request(path=target))
    assert hosts == [b"one.example", b"two.example:80", b"[::1]:8000", b"three.example"]


FORWARDED = [
    [],
    [b"X-Forwarded-For: 203.0.113.7"],
    [b"X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.0.0.3"],
    [b"X-Forwarded-For: 203.0.113.7:5000", b"X-Forwarded-Proto: https"],
    [b"X-Forwarded-For: unknown"],
    [b"X-Forwarded-For: 203.0.113.7", b"Forwarded: for=203.0.113.8"],
    [b'Forwarded: for="[2001:db8::1]:4711";proto=https'],
    [b"X-Forwarded-For: " + b"10.0.0.2, " * 100 + b"203.0.113.7"],
    [b"X-Forwarded-For: " + b"10.0.0.2, " * 100],
]


@pytest.mark.parametrize("headers", FORWARDED)
@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "192.0.2.9", "2001:db8::9"])
async def test_client_behind_proxies_is_the_same(peer: str, headers: list[bytes]):
    seen: list[tuple[str | None, str]] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((current_request().client_address, scope["scheme"]))
        await echo_application(scope, receive, send)

    proxied = HttpSettings(trusted_proxies=(ip_network("10.0.0.0/8"),))
    connections = Connections(application=RootApplication(note, note, proxied), settings=proxied)
    for method in ("POST", "POST", "PUT"):  # the second time it is remembered
        connections.open(peer)[0].data_received(request(method, INLINE, b"one", headers))
    await settled()
    assert [(each.head.client_address, each.head.scheme) for each in connections.operation.requests] == seen * 2


async def test_api_over_plain_http_is_left_to_the_application_that_refuses_it():
    proxied = HttpSettings(https_only=True, trusted_proxies=(ip_network("192.0.2.0/24"),))
    connections = Connections(settings=proxied)
    await connections.converse(request("POST", INLINE, b"one"))
    assert connections.operation.requests == []
    await connections.converse(request("POST", INLINE, b"one", [b"X-Forwarded-Proto: https"]))
    assert len(connections.operation.requests) == 1


async def test_trailers_are_no_headers():
    seen: list[Any] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        seen.append([name for name, _ in scope["headers"]])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    await Connections(application=note).converse(CHUNKS + b"1\r\nx\r\n0\r\nX-API-Key: stolen\r\n\r\n")
    assert seen == [[b"host", b"transfer-encoding"]]


async def test_more_than_the_maximum_of_pipelined_requests_are_not_read():
    connections = Connections(limits=ConnectionLimits(pipelined_maximum=3))
    answers, has_ended = await connections.converse(MARKER * 10)
    assert [answer.body for answer in answers] == [b"GET /marker"] * 4
    assert has_ended
    assert b"connection: close" in answers[-1].headers


@pytest.mark.parametrize("path", [INLINE, "/a"])
async def test_nothing_is_read_after_the_last_request(path: str):
    connections = Connections()
    connections.operation.is_holding = True
    protocol, _ = connections.open()
    protocol.data_received(request("POST", path, b"one", [b"Connection: close"]) + MARKER)
    protocol.data_received(MARKER)
    assert not protocol.pipeline


async def test_query_of_a_disconnected_client_is_dropped():
    connections = Connections()
    protocol, wire = connections.open()
    protocol.data_received(request("POST", INLINE, b"one"))
    (inline,) = connections.operation.requests
    protocol.connection_lost(None)
    await settled()
    assert (inline.is_disconnected, bytes(wire.sent)) == (True, b"")


async def test_every_request_has_a_line_in_the_log():
    log = RecordedLog()
    connections = Connections(access_log=log)
    headers = [b"X-Request-ID: mine"]
    await connections.converse(request("POST", INLINE, b"one", headers), b"GET /a?secret HTTP/1.1\r\nX : y\r\n\r\n")
    await connections.converse(b"BREW / HTTP/1.1\r\n\r\n")
    protocol, _ = connections.open()
    protocol.data_received(request("POST", INLINE, b"one", headers))
    protocol.connection_lost(None)
    protocol, _ = connections.open()
    protocol.data_received(request("POST", INLINE, b"one", headers)[:-1])
    protocol.connection_lost(None)
    assert log.lines == [
        ("POST", INLINE, 200),
        ("GET", "/a", 400),
        ("-", "-", 405),
        ("POST", INLINE, 499),
        ("POST", INLINE, 499),
    ]
    assert log.requests[0] == Logged("POST", INLINE, 200, "mine", "192.0.2.9")


async def test_error_of_the_protocol_has_the_headers_of_other_errors():
    (answer,), _ = await Connections().converse(b"GET / HTTP/1.1\r\nX-Request-ID: mine\r\nA: b\r\nX : y\r\n\r\n")
    assert {b"x-request-id: mine", b"cache-control: no-store", b"x-content-type-options: nosniff"} < answer.headers
    assert b'"request_id":"mine"' in answer.body
    assert answers_in(b"") == []
