"""What came of presenting a key to Keyhouse itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self

from apps.core.authorization.principal import Principal
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.verification.domain import Code
from apps.verification.services.key_authentication import principal_of

if TYPE_CHECKING:
    from apps.verification.domain import KeyRecord, Verdict


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Who the key is, None when it may not be used; whether that is for its rate limits or its scopes alone.

    `expires_at` is when the key or the secret that was presented ends, whichever is first.
    """

    principal: Principal | None = None
    rate_limits: Sequence[RateLimitStatus] = ()
    retry_after_seconds: int | None = None
    is_limited: bool = False
    lacks_scopes: bool = False
    expires_at: datetime | None = None

    @classmethod
    def of(cls, verdict: "Verdict") -> Self:
        """Return what the verdict means."""
        record, is_limited = verdict.record, verdict.code is Code.RATE_LIMITED
        return cls(
            principal=principal_of(record) if record and verdict.is_valid else None,
            rate_limits=verdict.rate_limits,
            retry_after_seconds=_wait_seconds(verdict) if is_limited else None,
            is_limited=is_limited,
            lacks_scopes=verdict.code is Code.INSUFFICIENT_SCOPES,
            expires_at=_end(record) if record else None,
        )


def _wait_seconds(verdict: "Verdict") -> int:
    return verdict.retry_after_seconds or verdict.rate_limits[0].period_seconds


def _end(record: "KeyRecord") -> datetime | None:
    return min(filter(None, (record.expires_at, record.secret_expires_at)), default=None)
