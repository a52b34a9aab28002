"""The verdict on a query."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain.key_record import KeyRecord


class Code(StrEnum):
    """The code of a verdict: VALID, or the reason for the refusal, in the order of the checks."""

    NOT_FOUND = "NOT_FOUND"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    FORBIDDEN = "FORBIDDEN"
    INSUFFICIENT_SCOPES = "INSUFFICIENT_SCOPES"
    UNKNOWN_OPERATION = "UNKNOWN_OPERATION"
    RATE_LIMITED = "RATE_LIMITED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    VALID = "VALID"


class Detail(StrEnum):
    """What exactly refuses a call. Other details are names: of the rate limit, of the first missing scope, and of
    the operation without a price."""

    REVOKED = "revoked"
    DISABLED = "disabled"
    KEY = "key"
    SECRET = "secret"  # noqa: S105  the secret has expired, the key has not
    OWNER_SUSPENDED = "owner_suspended"
    OWNER_LOCKED = "owner_locked"
    ADDRESS_UNREADABLE = "address_unreadable"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    BUDGET = "budget"
    BALANCE = "balance"


class Verdict(NamedTuple):
    """The outcome of one query; `record` is None when the key was not found.

    `detail` says what exactly refuses the call; it is None for VALID and NOT_FOUND. `rate_limits` and `balance` are
    those after the call; `rate_limits` is empty when they were not checked. `retry_after_ms` is the time until a
    RATE_LIMITED call is allowed, None when it never is. `stored_response` is the JSON of the response to the first
    request with this idempotency key, for a retry.
    """

    code: Code
    record: KeyRecord | None = None
    detail: str | None = None
    rate_limits: Sequence[RateLimitStatus] = ()
    balance: Decimal | None = None
    retry_after_ms: int | None = None
    stored_response: bytes | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the key may make the call."""
        return self.code is Code.VALID

    @property
    def retry_after_seconds(self) -> int | None:
        """`retry_after_ms` in whole seconds, rounded up."""
        return None if self.retry_after_ms is None else -(-self.retry_after_ms // 1000)
