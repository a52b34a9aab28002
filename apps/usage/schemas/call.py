"""One call of an API key: what it asked for, and what came of it."""

from typing import TYPE_CHECKING, Self

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.usage.domain.calls import AllowedCall

if TYPE_CHECKING:
    from apps.usage.models import Refusal

VALID, UNKNOWN_OPERATION = "VALID", "UNKNOWN_OPERATION"
# What a detail says about its code. That of RATE_LIMITED is a rate limit, that of INSUFFICIENT_SCOPES a scope,
# that of UNKNOWN_OPERATION an operation.
DETAILS = {
    "revoked": "the key is revoked",
    "disabled": "the key is disabled",
    "key": "the key has expired",
    "secret": "the secret was replaced and has expired",
    "owner_suspended": "the owner is suspended",
    "owner_locked": "the owner is locked",
    "address_not_allowed": "the address is not on the allowlist",
    "address_unreadable": "the address cannot be read",
    "budget": "the key's budget is spent",
    "balance": "the balance is too low",
}


def reason_of(code: str, detail: str | None) -> str:
    """Return why a call was refused in words, or an empty string if the detail is not known."""
    if code == "NOT_FOUND":
        return "no key has this secret"
    if code == "RATE_LIMITED" and detail:
        return f"rate limit {detail}"
    if code == "INSUFFICIENT_SCOPES" and detail:
        return f"the scope {detail} is missing"
    if code == UNKNOWN_OPERATION and detail:
        return f"the plan has no price for {detail}"
    return DETAILS.get(detail, detail) if detail else ""


class RateLimitThen(ResponseSchema):
    """A rate limit at the moment of a call."""

    name: str
    limit: int
    period_seconds: int
    remaining: int


class Call(ResponseSchema):
    """A call of an API key. `code` is VALID if it was allowed; else `detail` says what exactly refused it.

    `key_id` and `user_id` are null if the key was not found. Of a refused call, `scopes` are the first ones that it
    asked for, `ip` is its client's address, and `rate_limits` and `balance` are those at that moment, as far as they
    were checked. They are not kept of an allowed call, whose ledger entry is `credit_transaction_id`, null if it was
    free. `cost`, `weight` and `tag` are null where only the response to the call is kept.
    """

    request_id: str
    occurred_at: Timestamp
    code: str
    detail: str | None = None
    key_id: int | None
    user_id: int | None
    cost: Amount | None = None
    weight: int | None = None
    tag: str | None = None
    scopes: list[str] = []
    ip: str | None = None
    rate_limits: list[RateLimitThen] = []
    balance: Amount | None = None
    credit_transaction_id: int | None = None

    @classmethod
    def refused(cls, row: "Refusal") -> Self:
        """Return the call of a sample."""
        return cls(
            request_id=row.request_id,
            occurred_at=row.occurred_at,
            code=row.code,
            detail=row.detail or None,
            key_id=row.api_key_id or None,
            user_id=row.user_id or None,
            cost=row.cost,
            weight=row.weight,
            tag=row.tag,
            scopes=row.scopes,
            ip=row.address,
            rate_limits=[RateLimitThen(**limit) for limit in row.rate_limits],
            balance=row.balance,
        )

    @classmethod
    def allowed(cls, call: AllowedCall) -> Self:
        """Return an allowed call."""
        return cls(code=VALID, **call._asdict())

    @property
    def is_allowed(self) -> bool:
        """Whether the key could make the call."""
        return self.code == VALID

    @property
    def unknown_operation(self) -> str:
        """The operation that had no price, or an empty string."""
        return self.detail or "" if self.code == UNKNOWN_OPERATION else ""

    @property
    def reason(self) -> str:
        """Why it was refused in words, or an empty string."""
        return "" if self.is_allowed else reason_of(self.code, self.detail)
