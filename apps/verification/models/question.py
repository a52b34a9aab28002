"""What is asked of a key."""

from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address


@dataclass(frozen=True, slots=True)
class Question:
    """May the key with this digest make this call? A metered call leaves a usage row when it may."""

    digest: bytes
    cost: Decimal = Decimal(0)
    weight: int = 1
    scopes: tuple[str, ...] = ()
    address: IPv4Address | IPv6Address | None = None
    tag: str = ""
    request_id: str = ""
    metered: bool = True
