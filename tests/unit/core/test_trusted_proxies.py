"""Client addresses behind proxies."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import pytest

from apps.core.http import forwarded
from apps.core.http.forwarded import apply_forwarded_headers
from apps.core.values.ip_addresses import Network, is_within, parse_address, parse_node, rate_limit_subject

pytestmark = pytest.mark.unit

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", IPv4Address("192.0.2.1")),
        (" 192.0.2.1 ", IPv4Address("192.0.2.1")),
        ("2001:db8::1", IPv6Address("2001:db8::1")),
        ("[2001:db8::1]", IPv6Address("2001:db8::1")),
        ("fe80::1%eth0", IPv6Address("fe80::1")),
        ("::ffff:192.0.2.1", IPv4Address("192.0.2.1")),
        ("[fe80::1%eth0]", IPv6Address("fe80::1")),
        ("[[[192.0.2.1]]]", None),
        ("[[2001:db8::1]]", None),
        ("[2001:db8::1", None),
        ("2001:db8::1]", None),
        ("192.0.2.1%x", None),
        ("[]", None),
        ("", None),
        ("unknown", None),
        ("192.0.2.1:8080", None),
        ("192.0.2.256", None),
        ("0x7f.1", None),
        ("١٩٢.0.2.1", None),
    ],
)
def test_address_is_parsed(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("address", "within"),
    [("10.255.0.1", True), ("11.0.0.0", False), ("fd12::1", True), ("2001:db8::1", False), ("::ffff:10.0.0.1", True)],
)
def test_address_is_within_networks(address, within):
    assert is_within(parse_address(address), TRUSTED) is within


def test_missing_address_or_networks_is_not_within():
    assert is_within(None, TRUSTED) is False
    assert is_within(parse_address("10.0.0.1"), ()) is False


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7:51008", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("203.0.113.7:_port", "203.0.113.7"),
        ("203.0.113.7:65535", "203.0.113.7"),
        ("203.0.113.7:65536", None),
        ("203.0.113.7:", None),
        ("203.0.113.7:٣", None),
        ("2001:db8::1]:80", None),
        ("unknown", None),
        ("unknown:80", None),
        ("_hidden", None),
        ("_hidden:_port", None),
        ("", None),
    ],
)
def test_node_is_parsed(text: str, address: str | None):
    assert parse_node(text) == (parse_address(address) if address else None)


def client_of(peer: str | None, *headers: tuple[str, str], trusted: Sequence[Network] = TRUSTED) -> tuple[Any, str]:
    """Return the client's address and scheme after the headers were applied."""
    encoded = [(name.encode(), value.encode("latin1")) for name, value in headers]
    scope: dict[str, Any] = {"client": (peer, 7) if peer else None, "headers": encoded, "scheme": "http"}
    apply_forwarded_headers(scope, trusted)
    return scope["client"] and scope["client"][0], scope["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # the peer is not a trusted proxy
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:51008", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),  # the client sent the left part
        ("10.0.0.1", "1.1.1.1,, 198.51.100.7 ,", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:1, 10.0.0.2:2, [fd00::3]:3", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),  # only trusted proxies
        ("10.0.0.1", "garbage, 10.0.0.2", None),
        ("10.0.0.1", "198.51.100.7, garbage", None),  # neither the proxy nor what the client has written
        ("10.0.0.1", "198.51.100.7, unknown", None),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        (None, "198.51.100.7", None),
        ("unix:", "198.51.100.7", "unix:"),
    ],
)
def test_client_of_x_forwarded_for(peer: str | None, forwarded_for: str, client: str | None):
    assert client_of(peer, ("x-forwarded-for", forwarded_for))[0] == client


@pytest.mark.parametrize(
    ("forwarded", "client", "scheme"),
    [
        ('for="[2001:db8::1]:4711"', "2001:db8::1", "http"),
        ("For=198.51.100.7;Proto=HTTPS;by=203.0.113.43", "198.51.100.7", "https"),
        ('for=1.1.1.1;proto=http, for="198.51.100.7:80" ; proto="https"', "198.51.100.7", "https"),
        ("for=198.51.100.7;proto=https, for=10.0.0.2;proto=http", "198.51.100.7", "https"),
        ('for=198.51.100.7;secret="a,b;c\\"d"', "198.51.100.7", "http"),
        ("for=[2001:db8::1]:4711", "2001:db8::1", "http"),  # RFC 7239 wants quotation marks here
        ("for=unknown", None, "http"),
        ("for=_hidden", None, "http"),
        ("for=_hidden;proto=https", None, "https"),
        ("proto=https", None, "https"),
        ("for=1.1.1.1, by=10.0.0.1", None, "http"),
        ("for=198.51.100.7;for=1.1.1.1", None, "http"),
        ('for=1.1.1.1;x=", for="198.51.100.7"', None, "http"),  # the client tries to swallow the proxy's part
        ('for="1.1.1.1, for=198.51.100.7', None, "http"),
        ("for", None, "http"),
        (" , ", "10.0.0.1", "http"),
    ],
)
def test_client_of_forwarded(forwarded: str, client: str | None, scheme: str):
    assert client_of("10.0.0.1", ("forwarded", forwarded)) == (client, scheme)


def test_broken_line_of_the_client_does_not_hide_the_line_of_the_proxy():
    headers = ("forwarded", 'for="1.1.1.1'), ("forwarded", "for=198.51.100.7")
    assert client_of("10.0.0.1", *headers)[0] == "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded", "forwarded_for", "client"),
    [
        ("for=198.51.100.7", "198.51.100.7:80", "198.51.100.7"),
        ("for=1.1.1.1", "198.51.100.7", None),  # which of the two has the client written?
        ("for=198.51.100.7", "1.1.1.1", None),
        ("for=unknown", "198.51.100.7", None),
    ],
)
def test_both_headers_must_agree(forwarded: str, forwarded_for: str, client: str | None):
    assert client_of("10.0.0.1", ("forwarded", forwarded), ("x-forwarded-for", forwarded_for))[0] == client


@pytest.mark.parametrize(
    ("forwarded_for", "proto", "scheme"),
    [
        ("198.51.100.7", "HTTPS", "https"),
        ("198.51.100.7", " https ", "https"),
        ("198.51.100.7", "https, http", "https"),  # the client's own is the first
        ("198.51.100.7, 10.0.0.2", "https, http", "https"),
        ("1.1.1.1, 198.51.100.7", "https, http", "http"),  # the client sent the left part of both
        ("198.51.100.7", "http", "http"),
        ("198.51.100.7", "", "http"),
        ("198.51.100.7", "wss", "http"),
        ("unknown", "https", "https"),
    ],
)
def test_scheme_of_the_client(forwarded_for: str, proto: str, scheme: str):
    assert client_of("10.0.0.1", ("x-forwarded-for", forwarded_for), ("x-forwarded-proto", proto))[1] == scheme


def test_scheme_without_addresses():
    assert client_of("10.0.0.1", ("x-forwarded-proto", "https")) == ("10.0.0.1", "https")
    assert client_of("10.0.0.1", ("x-forwarded-proto", "https"), ("forwarded", "for=1.1.1.1"))[1] == "https"


def test_headers_are_ignored_without_trusted_proxies():
    headers = ("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7;proto=https")
    assert client_of("10.0.0.1", *headers, trusted=()) == ("10.0.0.1", "http")


def test_unreadable_address_is_logged_once_for_each_proxy(caplog: pytest.LogCaptureFixture):
    forwarded._logged.clear()
    for number in range(200):
        client_of(f"10.0.0.{number % 100}", ("x-forwarded-for", f"198.51.100.7, \n\xe9{number}" + "x" * 500))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == forwarded.PROBLEMS_LOGGED_MAXIMUM
    assert lines[0].startswith("proxy 10.0.0.0: the address of a client cannot be read: %C3%A90xxx")
    assert max(map(len, lines)) < 300


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        (None, "local"),
        ("testclient", "local"),
    ],
)
def test_rate_limit_subject_of_an_address(address: str | None, subject: str):
    assert rate_limit_subject(address) == subject
