"""Finds the client behind proxies. X-Forwarded-For is trusted only from configured proxies."""

from collections.abc import Sequence

from apps.core.values.ip_addresses import Network, is_within, parse_address


def client_address(peer: str | None, forwarded_for: str | None, trusted: Sequence[Network]) -> str | None:
    """Return the nearest address that does not belong to a trusted proxy.

    `forwarded_for` is read from the right, because each proxy appends the address of its peer. Everything to the left
    of the first untrusted address was written by the client.
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
