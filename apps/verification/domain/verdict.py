"""A verification query, and its outcome."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain.key_record import KeyRecord


class Caller(NamedTuple):
    """The API key of a client that verifies other keys. It must be valid from this address and have this scope."""

    digest: bytes
    address: IPv4Address | IPv6Address | None
    scope: str


class VerificationQuery(NamedTuple):
    """The query whether the key with this digest may make a call.

    A metered call uses rate limits and credits when it is allowed; a recorded one is stored as usage event or denial.
    With `is_idempotent`, `request_id` is the client's idempotency key: the response is stored for retries. With
    `is_credential`, the key is used for Keyhouse's own API. With `has_unreadable_address`, the caller has sent a text
    that is not an address, which is allowed for no key.
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
    has_unreadable_address: bool = False


class Code(StrEnum):
    """The code of a verdict: VALID, or the reason for the refusal, in the order of the checks."""

    NOT_FOUND = "NOT_FOUND"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    FORBIDDEN = "FORBIDDEN"
    INSUFFICIENT_SCOPES = "INSUFFICIENT_SCOPES"
    RATE_LIMITED = "RATE_LIMITED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    VALID = "VALID"


class Verdict(NamedTuple):
    """The outcome of one query; `record` is None when the key was not found.

    `rate_limits` and `balance` are those after the call; `rate_limits` is empty when they were not checked.
    `retry_after_ms` is the time until a RATE_LIMITED call is allowed, None when it never is.
    `stored_response` is the JSON of the response to the first request with this idempotency key, for a retry.
    """

    code: Code
    record: KeyRecord | None = None
    rate_limits: Sequence[RateLimitStatus] = ()
    balance: Decimal | None = None
    retry_after_ms: int | None = None
    stored_response: str | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the key may make the call."""
        return self.code is Code.VALID

    @property
    def retry_after_seconds(self) -> int | None:
        """`retry_after_ms` in whole seconds, rounded up."""
        return None if self.retry_after_ms is None else -(-self.retry_after_ms // 1000)
