"""The connections of a worker: how many there may be, and how long each may wait for its client.

Connections that wait for their client never keep others from being served: when all places are taken, the one that has
waited longest is closed. A client can therefore not occupy the server by connections that send nothing, or slowly.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from math import inf
from typing import Protocol

from apps.core.values.ip_addresses import Network, is_within, parse_address, rate_limit_subject

SWEEP_SECONDS = 1.0
REFUSED_MAXIMUM = 64  # beyond `connections_maximum`, for a few seconds
# A connection from this machine is the operator's: a proxy that is not in TRUSTED_PROXIES, a sidecar, a probe. All
# clients behind that proxy would share one bound.
LOOPBACK: Sequence[Network] = (ip_network("127.0.0.0/8"), ip_network("::1"))


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The bounds of a worker's connections; times in seconds, sizes in bytes."""

    connections_maximum: int = 1024
    # For each client address; for IPv6, each /64.
    connections_per_address: int = 512
    # Of these networks any number may come: trusted proxies, and this machine.
    uncounted: Sequence[Network] = LOOPBACK
    keep_alive_seconds: float = 75  # between a response and the next request
    first_byte_seconds: float = 20
    head_seconds: float = 10  # from the first byte of a request to the end of its head
    # Less than HttpSettings.response_seconds_maximum, so that a slow body is answered with 408.
    body_seconds: float = 15
    stall_seconds: float = 10  # without a byte of the body, or without one of the response being read
    linger_seconds: float = 2  # for what the client is sending while the connection is being closed
    head_bytes_maximum: int = 64 * 1024
    headers_maximum: int = 100
    # Of one request, with chunk sizes and what is discarded of a body that has been refused.
    message_bytes_maximum: int = 16 * 1024 * 1024
    discarded_bytes_maximum: int = 1024 * 1024  # after the last request
    pipelined_maximum: int = 64


class Connection(Protocol):
    """A connection as the table sees it."""

    subject: str | None  # what the address counts as; None if it is not counted
    waits_since: float  # when it began to wait for its client; `inf` while it does not
    deadline: float  # when `time_out` is called

    def time_out(self, now: float) -> None:
        """End or prolong what has taken too long."""

    def evict(self) -> None:
        """Close the connection at once, for another."""


class ConnectionTable:
    """All connections of a worker. One timer looks at all of them."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._all: dict[Connection, None] = {}
        self._waiting: dict[Connection, None] = {}  # in the order in which they began to wait
        self._by_subject: dict[str, set[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    def subject_of(self, peer: str | None) -> str | None:
        """Return what connections from this address count as, or None if any number may come from it."""
        address = parse_address(peer) if peer else None
        return None if address is None or is_within(address, self.limits.uncounted) else rate_limit_subject(peer)

    def admit(self, connection: Connection, now: float) -> bool:
        """Add the connection, which waits for its client, closing another if necessary; False if there is no place."""
        of_subject = self._by_subject.get(connection.subject) if connection.subject is not None else None
        if of_subject is not None and len(of_subject) >= self.limits.connections_per_address:
            oldest = min(of_subject, key=_waits_since)
            if oldest.waits_since == inf:
                return False
            self._evict(oldest)
        elif len(self._all) >= self.limits.connections_maximum:
            oldest_of_all = next(iter(self._waiting), None)
            if oldest_of_all is None:
                return False
            self._evict(oldest_of_all)
        self._all[connection] = None
        if connection.subject is not None:
            self._by_subject.setdefault(connection.subject, set()).add(connection)
        self.wait(connection, now)
        self._start_timer()
        return True

    def keep_refused(self, connection: Connection) -> bool:
        """Watch over a connection that has not been admitted until its client has read why; False if there are many."""
        if len(self._all) >= self.limits.connections_maximum + REFUSED_MAXIMUM:
            return False
        self._all[connection] = None
        return True

    def remove(self, connection: Connection) -> None:
        """Forget the connection."""
        self._all.pop(connection, None)
        self._waiting.pop(connection, None)
        of_subject = self._by_subject.get(connection.subject) if connection.subject is not None else None
        if of_subject is not None and connection.subject is not None:
            of_subject.discard(connection)
            if not of_subject:
                del self._by_subject[connection.subject]

    def wait(self, connection: Connection, now: float) -> None:
        """Note that the connection begins to wait for its client."""
        connection.waits_since = now
        self._waiting[connection] = None

    def work(self, connection: Connection) -> None:
        """Note that the connection does not wait for its client."""
        connection.waits_since = inf
        self._waiting.pop(connection, None)

    def _evict(self, connection: Connection) -> None:
        self.remove(connection)
        connection.evict()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for connection in [each for each in self._all if each.deadline <= now]:
            connection.time_out(now)
        if self._all:
            self._start_timer()


def _waits_since(connection: Connection) -> float:
    return connection.waits_since
