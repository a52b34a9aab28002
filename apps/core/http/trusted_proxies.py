"""Finds the client behind proxies, believing X-Forwarded-* only from those the operator named."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

PARTY_PREFIX_LENGTH = 64  # RFC 6177: what an end site gets at least

Network = IPv4Network | IPv6Network


@lru_cache(maxsize=1024)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4 one unwrapped from IPv6 (`::ffff:192.0.2.1`), or None if it is none."""
    try:
        address = ip_address(text.strip().strip("[]").split("%", 1)[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: IPv4Address | IPv6Address | None, networks: Iterable[Network]) -> bool:
    """Return whether `address` lies in one of `networks`."""
    return address is not None and any(address in network for network in networks)


def limited_party(address: str | None) -> str:
    """Return whom a limit on `address` is for: an IPv4 address, or the /64 of an IPv6 one, which one party holds."""
    parsed = parse_address(address) if address else None
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, PARTY_PREFIX_LENGTH), strict=False))
    return str(parsed) if parsed else "local"


def client_address(peer: str | None, forwarded_for: str | None, trusted: Sequence[Network]) -> str | None:
    """Return the nearest address to us that is not a trusted proxy's.

    `forwarded_for` is read from the right, because each proxy appends the address it saw; what stands left of
    the first untrusted address is the client's own claim.
    """
    address = parse_address(peer) if peer else None
    for hop in reversed((forwarded_for or "").split(",")):
        if not is_within(address, trusted):
            break
        nearer = parse_address(hop)
        if nearer is None:
            break
        address = nearer
    return str(address) if address else None
