"""What is asked of a key."""

from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple


class Caller(NamedTuple):
    """Who asks: a key that must be good, from this address, and have this scope."""

    digest: bytes
    address: IPv4Address | IPv6Address | None
    scope: str


class VerificationQuery(NamedTuple):
    """May the key with this digest make this call?

    A metered call uses up what it is allowed, and a recorded one leaves a row that says so. `is_repeatable` says that
    `request_id` is the asker's own, so that the first answer is kept for whoever sends it again. `is_credential` says
    that the key is used on Keyhouse itself.
    """

    digest: bytes
    cost: Decimal = Decimal(0)
    weight: int = 1
    scopes: tuple[str, ...] = ()
    address: IPv4Address | IPv6Address | None = None
    tag: str = ""
    request_id: str = ""
    is_repeatable: bool = False
    is_metered: bool = True
    is_recorded: bool = True
    is_credential: bool = False
    caller: Caller | None = None
