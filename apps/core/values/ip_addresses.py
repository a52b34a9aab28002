"""Parses IP addresses, and maps them to networks."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

SITE_PREFIX_LENGTHS = {4: 24, 6: 48}
ADDRESS_LENGTH_MAXIMUM = 64  # with a zone; longer texts are not kept in the cache
SUBJECT_PREFIX_LENGTH = 64  # RFC 6177: an end site gets at least one /64
# An end site may have a /56 or a /48, and so any number of /64s. How many times the rate each may use.
WIDER_SUBJECTS = ((56, 4), (48, 16))

PORT_MAXIMUM = 65535
# RFC 7239, 6: an address with an optional port, which may be obfuscated. IPv6 is in brackets when a port follows.
_NODE = re.compile(r"(\[[^\]]*\]|[0-9.]+)(?::(?:([0-9]{1,5})|_[A-Za-z0-9._-]+))?")

MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 addresses as IPv6 addresses (RFC 4291, 2.5.5.2)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_address(text: str) -> Address | None:
    """Return the address, or None if the text is not an address. IPv4-mapped IPv6 (`::ffff:192.0.2.1`) becomes IPv4.

    The address may be in brackets. The zone of an IPv6 address is dropped.
    """
    return _parsed(text) if len(text) <= ADDRESS_LENGTH_MAXIMUM else None


def canonical_address(text: str) -> str | None:
    """Return the address as `parse_address` understands it, in its one spelling."""
    return _canonical(text) if len(text) <= ADDRESS_LENGTH_MAXIMUM else None


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str | None:
    address = _parsed(text)
    return None if address is None else str(address)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Address | None:
    text = text.strip()
    try:
        address = ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def parse_node(text: str) -> Address | None:
    """Return the address of a node as proxies write it, with or without a port; None for `unknown` and all else."""
    found = _NODE.fullmatch(text.strip())
    if found is None:
        return parse_address(text)
    return parse_address(found[1]) if int(found[2] or 0) <= PORT_MAXIMUM else None


def unmapped_network(network: Network) -> Network:
    """Return an IPv4-mapped IPv6 network as IPv4, as `parse_address` does with addresses, and others unchanged.

    `::/0` is every IPv6 address. Raises ValueError for another network that covers mapped addresses beside others.
    """
    if isinstance(network, IPv4Network) or network.prefixlen == 0 or not network.overlaps(MAPPED):
        return network
    mapped = network.network_address.ipv4_mapped
    if mapped is None or network.prefixlen < MAPPED.prefixlen:
        raise ValueError("must be /96 or longer where it covers IPv4-mapped addresses; write IPv4 as 192.0.2.0/24")
    return IPv4Network((mapped, network.prefixlen - MAPPED.prefixlen))


def is_within(address: Address | None, networks: Iterable[Network]) -> bool:
    """Return whether `address` is in one of `networks`."""
    return address is not None and any(address in network for network in networks)


def site_network(address: str | None) -> str:
    """Return the network that identifies the address's site: the /24 of an IPv4 address, the /48 of an IPv6 address."""
    parsed = parse_address(address) if address else None
    if parsed is None:
        return "local"
    return str(ip_network((parsed, SITE_PREFIX_LENGTHS[parsed.version]), strict=False))


def wider_rate_limit_subjects(address: str | None) -> list[tuple[str, int]]:
    """Return the networks of an IPv6 address that may be one client, and how many times the rate each may use."""
    parsed = parse_address(address) if address else None
    if not isinstance(parsed, IPv6Address):
        return []
    return [(str(ip_network((parsed, length), strict=False)), multiple) for length, multiple in WIDER_SUBJECTS]


def rate_limit_subject(address: str | None) -> str:
    """Return the subject of rate limits on `address`: an IPv4 address itself, or the /64 of an IPv6 address."""
    parsed = parse_address(address) if address else None
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, SUBJECT_PREFIX_LENGTH), strict=False))
    return str(parsed) if parsed else "local"
