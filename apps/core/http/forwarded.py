"""The client of a request behind trusted proxies: `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` (RFC 7239).

Each proxy appends the node that has sent it the request, so the lists are read from the right, up to the first node
that is no trusted proxy. Everything to the left of it was written by the client. A node that cannot be read, such as
`unknown`, leaves the client without an address: its proxy's address would be counted for all clients, and an address
further to the left could be anybody's. So do both headers when they name different clients: a proxy sets one, and
passes on what the client has written into the other.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from apps.core.http.asgi import Scope, header_lines
from apps.core.values.ip_addresses import Address, Network, is_within, parse_address, parse_node

logger = logging.getLogger("keyhouse.proxies")

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_BALANCED = re.compile(rf'(?:[^"]|{_QUOTED})*')
_ELEMENT = re.compile(rf'(?:[^",]|{_QUOTED})+')
_PAIR = re.compile(rf'(?:[^";]|{_QUOTED})+')
# Unquoted addresses with colons and brackets break RFC 7239, and some proxies write them.
_PARAMETER = re.compile(rf"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=({_QUOTED}|[^\s\",;]+)")
PROBLEMS_LOGGED_MAXIMUM = 20  # per process: a client can cause any number of them
LOGGED_LENGTH_MAXIMUM = 80
_logged: set[tuple[str, str]] = set()
X_FORWARDED_FOR, X_FORWARDED_PROTO, FORWARDED = NAMES = (b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")
CLIENTS_CACHED = 4096
CACHED_LENGTH_MAXIMUM = 256  # of the three headers of a request; longer ones are not kept in the cache


@dataclass(frozen=True, slots=True)
class Hop:
    """A node as one proxy has written it, and the scheme that it used, if the proxy says so."""

    node: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """The client: its address, or None if it cannot be read, and its scheme, which is empty if no proxy says."""

    address: Address | None
    scheme: str


def apply_forwarded_headers(scope: Scope, trusted: Sequence[Network]) -> None:
    """Replace the proxy in the scope by the client, and the scheme by the client's, if the proxy is trusted."""
    peer, port = scope.get("client") or (None, 0)
    address = parse_address(peer) if peer else None
    if address is None or not is_within(address, trusted):
        return
    client = _client(scope["headers"], address, trusted)
    scope["client"] = (str(client.address), port) if client.address else None
    if client.scheme == "https":
        scope["scheme"] = "https"


class ForwardedClients:
    """The clients behind trusted proxies, remembered by proxy and headers: most requests repeat them."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self.trusted = trusted
        self._remembered = lru_cache(CLIENTS_CACHED)(self._find)

    def find(self, peer: Address, fields: Mapping[bytes, bytes]) -> Client:
        """Return the client of a request from a trusted proxy that has none of its headers twice."""
        found = tuple([(name, fields[name]) for name in NAMES if name in fields])
        if sum(len(value) for _, value in found) > CACHED_LENGTH_MAXIMUM:
            return self._find(peer, found)
        return self._remembered(peer, found)

    def _find(self, peer: Address, headers: tuple[tuple[bytes, bytes], ...]) -> Client:
        return _client(headers, peer, self.trusted)


def _client(headers: Sequence[tuple[bytes, bytes]], peer: Address, trusted: Sequence[Network]) -> Client:
    schemes = [scheme.lower() for scheme in _entries(header_lines(headers, X_FORWARDED_PROTO))]
    hops = _x_forwarded_hops(_entries(header_lines(headers, X_FORWARDED_FOR)), schemes)
    standard = [hop for line in header_lines(headers, FORWARDED) for hop in _forwarded_hops(line)]
    client = _nearest(standard or hops, peer, trusted)
    # The first scheme is the client's own; a client that invents one deceives only itself.
    scheme = client.scheme or "".join(schemes[:1])
    if standard and hops and _nearest(hops, peer, trusted).address != client.address:
        _log_once(peer, "Forwarded and X-Forwarded-For name different clients: let the proxy remove one of them")
        return Client(None, scheme)
    return Client(client.address, scheme)


def _nearest(hops: Sequence[Hop], peer: Address, trusted: Sequence[Network]) -> Client:
    """Return the nearest node that is no trusted proxy, or the furthest node if all are."""
    client = Client(peer, "")
    for hop in reversed(hops):
        client = Client(parse_node(hop.node), hop.scheme)
        if client.address is None:
            _log_once(peer, f"the address of a client cannot be read: {_printable(hop.node)}")
        if not is_within(client.address, trusted):
            break
    return client


def _x_forwarded_hops(nodes: Sequence[str], schemes: Sequence[str]) -> list[Hop]:
    if len(schemes) == len(nodes):  # each proxy has appended to both
        return [Hop(node, scheme) for node, scheme in zip(nodes, schemes, strict=True)]
    return [Hop(node) for node in nodes]


def _entries(lines: Sequence[str]) -> list[str]:
    # A proxy may append a header line instead of extending the client's: all lines together are one list (RFC 9110,
    # 5.3), whose empty entries do not count (5.6.1).
    return [entry.strip() for entry in ",".join(lines).split(",") if entry.strip()]


def _forwarded_hops(line: str) -> list[Hop]:
    """Return the hops of one header line. A line with an unbalanced quotation mark is one hop that cannot be read.

    The client's part of the line could otherwise swallow what the proxy has appended.
    """
    if not _BALANCED.fullmatch(line):
        return [Hop(line)]
    return [_hop(element) for element in _ELEMENT.findall(line) if element.strip()]


def _hop(element: str) -> Hop:
    parameters = [_PARAMETER.fullmatch(pair.strip()) for pair in _PAIR.findall(element) if pair.strip()]
    values = {found[1].lower(): _unquoted(found[2]) for found in parameters if found}
    if not all(parameters) or len(values) < len(parameters):
        return Hop(element)
    return Hop(values.get("for", element), values.get("proto", "").lower())


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _printable(text: str) -> str:
    return quote(text[:LOGGED_LENGTH_MAXIMUM], safe=" !\"#&'()*+,-./:;<=>?@[]_`{|}~")


def _log_once(peer: Address, problem: str) -> None:
    kind = str(peer), problem.partition(":")[0]
    if kind not in _logged and len(_logged) < PROBLEMS_LOGGED_MAXIMUM:
        _logged.add(kind)
        logger.warning("proxy %s: %s (logged once)", peer, problem)
