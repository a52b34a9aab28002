"""The verdict, as the asking service gets it."""

from typing import Any, Literal, Self

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.verification.models import Code, KeyRecord, Verdict


class RateLimitState(ResponseSchema):
    """A window and what is left in it."""

    name: str
    limit: int
    period_seconds: int
    remaining: int
    reset_at: Timestamp


class VerifyResponse(ResponseSchema):
    """Whether the key may make the call, and if not, why; what is known of the key, null when there is none."""

    valid: bool
    code: Code
    key_id: int | None = None
    user_id: int | None = None
    name: str | None = None
    environment: Literal["live", "test"] | None = None
    scopes: list[str] = []
    plan: str | None = None
    metadata: dict[str, Any] = {}
    expires_at: Timestamp | None = None
    balance: Amount | None = None
    rate_limits: list[RateLimitState] = []
    request_id: str

    @classmethod
    def of(cls, verdict: Verdict, request_id: str) -> Self:
        """Return the verdict for the asking service."""
        known = _known(verdict.record) if verdict.record else {}
        return cls(valid=verdict.is_valid, code=verdict.code, request_id=request_id, **known)


def _known(record: KeyRecord) -> dict[str, Any]:
    return {
        "key_id": record.key_id,
        "user_id": record.owner.user_id,
        "name": record.name,
        "environment": record.environment,
        "scopes": list(record.scopes),
        "plan": record.owner.plan,
        "metadata": record.metadata,
        "expires_at": record.expires_at,
        "balance": record.owner.balance,
    }
