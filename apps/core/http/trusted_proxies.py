"""Finds the client behind proxies, believing X-Forwarded-* only from those the operator named."""

from collections.abc import Sequence

from apps.core.values.ip_addresses import Network, is_within, parse_address


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
