"""The outcome of a verification."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain.key_record import KeyRecord


class Code(StrEnum):
    """Whether a key may make a call, or why not; in the order in which the checks run."""

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
    `retry_after_ms` is how long a RATE_LIMITED call has to wait, None when it would never be allowed.
    `stored_response` is the JSON of the response to the first request with this idempotency key, which is repeated.
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
