"""ASGI: its types, and what a request's scope says.

X-Forwarded-For is trusted only from configured proxies.
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from apps.core.values.ip_addresses import Network, is_within, parse_address

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of the first request header with this name, or None. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin1")
            return text
    return None


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
