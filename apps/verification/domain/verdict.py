"""What is answered."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain.code import Code
from apps.verification.domain.key_record import KeyRecord


class Verdict(NamedTuple):
    """The outcome of one query; the record is None when there is no such key.

    `rate_limits` and `balance` are as the call left them; rate limits are empty when they were not checked.
    `retry_after_ms` is how long a call that is RATE_LIMITED has to wait, None when it would never be allowed.
    `first_answer` is the stored response to the first request under this id, and then it is all that counts.
    """

    code: Code
    record: KeyRecord | None = None
    rate_limits: Sequence[RateLimitStatus] = ()
    balance: Decimal | None = None
    retry_after_ms: int | None = None
    first_answer: str | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the key may make the call."""
        return self.code is Code.VALID

    @property
    def retry_after_seconds(self) -> int | None:
        """The wait in whole seconds, never too short."""
        return None if self.retry_after_ms is None else -(-self.retry_after_ms // 1000)
