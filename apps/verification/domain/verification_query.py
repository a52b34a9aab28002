"""Verification queries."""

from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple


class Caller(NamedTuple):
    """The API key by which a client verifies others: it must be valid, from this address, and have this scope."""

    digest: bytes
    address: IPv4Address | IPv6Address | None
    scope: str


class VerificationQuery(NamedTuple):
    """May the key with this digest make this call?

    A metered call uses rate limits and credits when it is allowed; a recorded one leaves a usage event or a denial.
    With `is_idempotent`, `request_id` is the client's idempotency key: the response is stored for retries. With
    `is_credential`, the key is used for Keyhouse's own API.
    """

    digest: bytes
    cost: Decimal = Decimal(0)
    weight: int = 1
    scopes: tuple[str, ...] = ()
    address: IPv4Address | IPv6Address | None = None
    tag: str = ""
    request_id: str = ""
    is_idempotent: bool = False
    is_metered: bool = True
    is_recorded: bool = True
    is_credential: bool = False
    caller: Caller | None = None
