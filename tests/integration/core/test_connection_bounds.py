"""How many connections there may be, how long each may wait for its client, and how they end."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from apps.core.errors import Unavailable
from apps.core.http import bounded_protocol, connections
from apps.core.http.asgi import Receive, Scope, Send
from apps.core.http.connections import LOOPBACK, ConnectionLimits
from apps.core.http.http_settings import HttpSettings
from tests.support.wire import INLINE, Connections, Wire, answers_in, request, settled

SHORT, LONG = 0.02, 60
PATIENT = {"first_byte_seconds": LONG, "head_seconds": LONG, "body_seconds": LONG, "stall_seconds": LONG}
GET = request(path="/a")
POST = request("POST", INLINE, b"one")


@pytest.fixture(autouse=True)
def _quick_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", SHORT / 2)
    monkeypatch.setattr(bounded_protocol, "DRAIN_SECONDS", SHORT)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  what it waits for has no event
            await asyncio.sleep(SHORT / 4)


def statuses(wire: Wire) -> list[int]:
    return [answer.status for answer in answers_in(bytes(wire.sent))]


def limits_of(**changes: float) -> ConnectionLimits:
    return ConnectionLimits(**{**PATIENT, **changes})  # type: ignore[arg-type]


async def test_connection_that_sends_nothing_is_closed():
    _, wire = Connections(limits=limits_of(first_byte_seconds=SHORT)).open()
    await until(lambda: wire.is_closed)
    assert wire.sent == b""


async def test_empty_lines_are_no_first_byte():
    protocol, wire = Connections(limits=limits_of(first_byte_seconds=SHORT)).open()
    while not wire.is_closed:
        protocol.data_received(b"\r\n")
        await asyncio.sleep(SHORT / 4)
    assert wire.sent == b""


async def test_idle_connection_is_closed_after_a_response():
    protocol, wire = Connections(limits=limits_of(keep_alive_seconds=SHORT)).open()
    protocol.data_received(POST)
    await until(lambda: wire.is_closed)
    assert statuses(wire) == [200]


async def test_slow_head_is_answered():
    protocol, wire = Connections(limits=limits_of(head_seconds=5 * SHORT)).open()
    for byte in GET[:-1]:
        if wire.is_closed:
            break
        protocol.data_received(bytes([byte]))
        await asyncio.sleep(SHORT / 4)
    await until(lambda: wire.is_closed)
    assert statuses(wire) == [408]


@pytest.mark.parametrize("path", [INLINE, "/a"])
@pytest.mark.parametrize("limits", [{"stall_seconds": SHORT}, {"body_seconds": SHORT}], ids=["stalled", "slow"])
async def test_slow_body_is_answered(path: str, limits: dict[str, float]):
    protocol, wire = Connections(limits=limits_of(**limits)).open()
    protocol.data_received(request("POST", path, b"one")[:-1])
    await until(lambda: wire.is_closed)
    assert statuses(wire) == [408]
    assert b"REQUEST_TIMEOUT" in answers_in(bytes(wire.sent))[0].body


async def test_endless_head_is_refused():
    protocol, wire = Connections(limits=limits_of()).open()
    protocol.data_received(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(5):
        protocol.data_received(b"a" * 16 * 1024)
    await settled()
    assert (statuses(wire), wire.is_closed) == ([431], True)


async def test_endless_trailers_are_refused():
    protocol, wire = Connections(limits=limits_of(message_bytes_maximum=64 * 1024)).open()
    protocol.data_received(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
    for _ in range(5):
        protocol.data_received(b"a" * 16 * 1024)
    await settled()
    assert (statuses(wire), wire.is_closed) == ([413], True)


async def test_client_that_sends_on_after_a_response_is_disconnected():
    protocol, wire = Connections(limits=limits_of(message_bytes_maximum=64 * 1024), application=refuse).open()
    protocol.data_received(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    await settled()
    for _ in range(5):
        assert not wire.is_closed
        protocol.data_received(b"a" * 16 * 1024)
    protocol.data_received(b"a")
    assert (statuses(wire), wire.is_closed) == ([413], True)


async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond before the body has arrived."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def test_client_that_sends_on_after_an_error_is_disconnected():
    protocol, wire = Connections(limits=limits_of(discarded_bytes_maximum=1000)).open()
    protocol.data_received(b"GET / HTTP/1.1\r\nX : y\r\n\r\n")
    assert wire.is_half_closed
    protocol.data_received(b"a" * 1000)
    assert not wire.is_aborted
    protocol.data_received(b"a")
    assert wire.is_aborted


async def test_connection_that_has_waited_longest_makes_room():
    several = Connections(limits=limits_of(connections_maximum=3))
    (first, one), (_, two), (_, three) = [several.open() for _ in range(3)]
    first.data_received(POST)  # and waits again, for less time than the others
    await settled()
    several.open()
    assert [wire.is_closed for wire in (one, two, three)] == [False, True, False]
    assert len(several.table) == 3


async def test_slow_requests_make_room_too():
    several = Connections(limits=limits_of(connections_maximum=1))
    protocol, wire = several.open()
    protocol.data_received(POST[:-1])
    _, other = several.open()
    assert (wire.is_closed, other.is_closed) == (True, False)


async def test_requests_that_are_being_answered_are_not_closed_for_others():
    several = Connections(limits=limits_of(connections_maximum=1))
    several.operation.is_holding = True
    protocol, wire = several.open()
    protocol.data_received(POST)
    _, other = several.open()
    assert (wire.is_closed, statuses(other)) == (False, [503])
    assert b"retry-after: 1" in answers_in(bytes(other.sent))[0].headers


async def test_refused_connections_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "REFUSED_MAXIMUM", 2)
    several = Connections(limits=limits_of(connections_maximum=1, linger_seconds=LONG))
    several.operation.is_holding = True
    several.open()[0].data_received(POST)
    for _ in range(5):
        several.open()
    assert len(several.table) == 3


async def test_an_address_has_its_own_bound():
    several = Connections(limits=limits_of(connections_per_address=2))
    _, other = several.open("198.51.100.1")
    (busy, one), (_, two) = several.open(), several.open()
    several.operation.is_holding = True
    busy.data_received(POST)
    _, three = several.open()
    assert [wire.is_closed for wire in (other, one, two, three)] == [False, False, True, False]


async def test_address_whose_requests_are_all_being_answered_is_refused_another():
    several = Connections(limits=limits_of(connections_per_address=1))
    several.operation.is_holding = True
    busy, wire = several.open()
    busy.data_received(POST)
    _, refused = several.open()
    _, other = several.open("198.51.100.1")
    assert (wire.is_closed, statuses(refused), other.is_closed) == (False, [503], False)


async def test_an_ipv6_network_is_one_address():
    several = Connections(limits=limits_of(connections_per_address=1))
    _, one = several.open("2001:db8::1")
    several.open("2001:db8::2")
    _, other = several.open("2001:db8:0:1::1")
    assert (one.is_closed, other.is_closed) == (True, False)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.7"])
async def test_any_number_of_connections_comes_from_proxies_and_this_machine(peer: str):
    uncounted = (*LOOPBACK, ip_network("10.0.0.0/24"))
    several = Connections(limits=ConnectionLimits(connections_per_address=1, uncounted=uncounted))
    wires = [several.open(peer)[1] for _ in range(5)]
    assert not any(wire.is_closed for wire in wires)


async def test_closed_connections_are_not_counted():
    several = Connections(limits=limits_of(connections_per_address=1, connections_maximum=2))
    for _ in range(5):
        protocol, _ = several.open()
        protocol.connection_lost(None)
    assert len(several.table) == 0
    assert not several.open()[1].is_closed


async def test_client_that_does_not_read_is_disconnected():
    protocol, wire = Connections(limits=limits_of(stall_seconds=SHORT)).open()
    wire.unsent = 100_000
    protocol.pause_writing()
    await until(lambda: wire.is_closed)


async def test_client_that_reads_slowly_is_not_disconnected():
    protocol, wire = Connections(limits=limits_of(stall_seconds=SHORT)).open()
    wire.unsent = 100_000
    protocol.pause_writing()
    while wire.unsent > 99_900:
        wire.unsent -= 10
        await asyncio.sleep(SHORT / 2)
    assert not wire.is_closed
    protocol.resume_writing()
    protocol.data_received(POST)
    await settled()
    assert statuses(wire) == [200]


async def test_nothing_is_answered_inline_to_a_client_that_does_not_read():
    several = Connections(limits=limits_of())
    protocol, wire = several.open()
    protocol.pause_writing()
    protocol.data_received(POST)
    await settled()
    assert (several.operation.requests, bytes(wire.sent)) == ([], b"")
    protocol.resume_writing()
    await settled()
    assert statuses(wire) == [200]


async def test_inline_request_is_answered_in_time():
    several = Connections(settings=HttpSettings(response_seconds_maximum=SHORT), limits=limits_of())
    several.operation.is_holding = True
    protocol, wire = several.open()
    protocol.data_received(POST)
    (inline,) = several.operation.requests
    await until(lambda: bool(wire.sent))
    assert (statuses(wire), inline.is_disconnected, wire.is_closed) == ([503], True, False)
    several.operation.is_holding = False
    protocol.data_received(POST)
    await settled()
    assert statuses(wire) == [503, 200]


async def test_stop_closes_idle_connections_and_serves_what_was_on_its_way():
    several = Connections(limits=limits_of())
    (_, idle), (late, sending), (busy, answered) = [several.open() for _ in range(3)]
    several.operation.is_holding = True
    busy.data_received(POST)
    for protocol in several.protocols:
        protocol.shutdown()
    late.data_received(GET + GET)
    await until(lambda: idle.is_closed and sending.is_closed)
    assert (statuses(idle), statuses(sending), answered.is_closed) == ([], [200], False)
    (inline,) = several.operation.requests
    inline.fail(Unavailable())
    await settled()
    assert (statuses(answered), answered.is_closed) == ([503], True)
    for wire in (sending, answered):
        assert b"connection: close" in answers_in(bytes(wire.sent))[0].headers
