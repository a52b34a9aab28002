"""Internet addresses: reading them, finding them in networks, and telling whose they are."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

NEIGHBOURHOOD_LENGTHS = {4: 24, 6: 48}
PARTY_PREFIX_LENGTH = 64  # RFC 6177: what an end site gets at least

Network = IPv4Network | IPv6Network


@lru_cache(maxsize=1024)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4 one unwrapped from IPv6 (`::ffff:192.0.2.1`), or None if it is none.

    It may stand in brackets, and an IPv6 one may name a zone, which is dropped.
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
    """Return whether `address` lies in one of `networks`."""
    return address is not None and any(address in network for network in networks)


def neighbourhood(address: str | None) -> str:
    """Return the network by which one knows a place again: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    parsed = parse_address(address) if address else None
    if parsed is None:
        return "local"
    return str(ip_network((parsed, NEIGHBOURHOOD_LENGTHS[parsed.version]), strict=False))


def limited_party(address: str | None) -> str:
    """Return whom a limit on `address` is for: an IPv4 address, or the /64 of an IPv6 one, which one party holds."""
    parsed = parse_address(address) if address else None
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, PARTY_PREFIX_LENGTH), strict=False))
    return str(parsed) if parsed else "local"
