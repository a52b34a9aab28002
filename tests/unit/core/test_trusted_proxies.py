"""Client addresses behind proxies."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest

from apps.core.http.asgi import client_address
from apps.core.values.ip_addresses import is_within, parse_address, rate_limit_subject, wider_rate_limit_subjects

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
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # the peer is not a trusted proxy
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),  # the client sent the left part
        ("10.0.0.1", "198.51.100.7, 10.0.0.2, fd00::3", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", "10.0.0.2"),  # only trusted proxies
        ("10.0.0.1", "garbage, 10.0.0.2", "10.0.0.2"),  # stops at an invalid address
        ("10.0.0.1", "198.51.100.7, garbage", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        (None, "198.51.100.7", None),
        ("unix:", "198.51.100.7", None),
    ],
)
def test_client_address_is_found(peer, forwarded_for, client):
    assert client_address(peer, forwarded_for, TRUSTED) == client


def test_forwarded_for_is_ignored_without_trusted_proxies():
    assert client_address("10.0.0.1", "198.51.100.7", ()) == "10.0.0.1"


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


@pytest.mark.parametrize(
    ("address", "subjects"),
    [
        ("2001:db8:1:2aaa::1", [("2001:db8:1:2a00::/56", 4), ("2001:db8:1::/48", 16)]),
        ("192.0.2.7", []),
        ("::ffff:192.0.2.7", []),
        (None, []),
    ],
)
def test_wider_subjects_of_an_address(address: str | None, subjects: list[tuple[str, int]]):
    assert wider_rate_limit_subjects(address) == subjects
