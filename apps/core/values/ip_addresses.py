"""Parses IP addresses, and maps them to networks."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

SITE_PREFIX_LENGTHS = {4: 24, 6: 48}
SUBJECT_PREFIX_LENGTH = 64  # RFC 6177: an end site gets at least one /64
# An end site may have a /56 or a /48, and so any number of /64s. How many times the rate each may use.
WIDER_SUBJECTS = ((56, 4), (48, 16))

Network = IPv4Network | IPv6Network


@lru_cache(maxsize=1024)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, or None if the text is not an address. IPv4-mapped IPv6 (`::ffff:192.0.2.1`) becomes IPv4.

    The address may be in brackets. The zone of an IPv6 address is dropped.
    """
    text = text.strip()
    try:
        address = ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def is_within(address: IPv4Address | IPv6Address | None, networks: Iterable[Network]) -> bool:
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
