"""A query whether a key may make a call."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from apps.core.values.ip_addresses import Address

NOTHING = Decimal(0)


class Purpose(Enum):
    """What a query is for, and so what an allowed one changes.

    METERED: a service verifies a call of its customer, which uses rate limits and credits and is recorded.
    CREDENTIAL: the key is used for Keyhouse's own API. A weight counts against its rate limits; nothing is recorded.
    INSPECTION: nothing changes.
    """

    METERED = "metered"
    CREDENTIAL = "credential"
    INSPECTION = "inspection"


class Caller(NamedTuple):
    """The API key of a client that verifies other keys. It must be valid from this address and have this scope."""

    digest: bytes
    address: Address | None
    scope: str


@dataclass(slots=True, kw_only=True)
class VerificationQuery:
    """Whether the key with this digest may make a call.

    `cost` is in credits; with an `operation`, it is the plan's price of `units` of that. `weight` counts against the
    rate limits. With `is_idempotent`, `request_id` is the client's idempotency key, in the space of its `caller`, which
    is authorized in the same batch, or of `caller_name`, which names a caller that has been authorized before. With
    `has_unreadable_address`, the caller has sent a text that is not an address, which is allowed for no key.
    """

    digest: bytes
    purpose: Purpose = Purpose.METERED
    cost: Decimal = NOTHING
    operation: str = ""
    units: int = 1
    weight: int = 1
    scopes: tuple[str, ...] = ()
    address: Address | None = None
    has_unreadable_address: bool = False
    tag: str = ""
    request_id: str = ""
    is_idempotent: bool = False
    caller: Caller | None = None
    caller_name: str = ""

    @property
    def uses_counters(self) -> bool:
        """Whether an allowed query changes counters, so that they have to be locked."""
        return self.purpose is Purpose.METERED or (self.purpose is Purpose.CREDENTIAL and self.weight > 0)
