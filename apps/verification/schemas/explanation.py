"""What a call would get now, and why."""

from typing import Annotated, Literal

from pydantic import Field

from apps.api_keys.schemas.api_key import Scopes
from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Amount, Timestamp
from apps.verification.domain import Code
from apps.verification.schemas.verification import PricedRequest, RateLimitStatusOut, Weight

Source = Literal["plan", "key"]


class CallToExplain(PricedRequest):
    """A call, as in a verification. Without `ip`, it comes from an address that the key's allowlist allows."""

    scopes: Scopes = Field(default_factory=list)
    ip: Annotated[str, Field(max_length=100)] | None = None
    weight: Weight = 1


class ExplainedCheck(ResponseSchema):
    """One check, whatever the others say: whether the call passes it, and if not, the `detail` of its refusal."""

    name: Literal["enabled", "expiry", "owner", "address", "scopes", "operation", "rate_limits", "budget", "balance"]
    code: Code
    passed: bool
    detail: str | None
    sentence: str


class EffectiveRateLimit(RateLimitStatusOut):
    """A rate limit of the key, with what is left of it now, and where it comes from."""

    source: Source


class KeyExplanation(ResponseSchema):
    """What a call would get now, in a sentence, and each check in the order in which they are made.

    The first check that is not passed gives `code` and `detail`. `cost` is the price of the call, null if its operation
    has none. Nothing is counted or charged.
    """

    key_id: int
    user_id: int
    valid: bool
    code: Code
    detail: str | None
    sentence: str
    retry_after_seconds: int | None
    checks: list[ExplainedCheck]
    cost: Amount | None
    plan: str
    scopes: list[str]
    ip_allowlist: list[str]
    expires_at: Timestamp | None
    rate_limits: list[EffectiveRateLimit]
    budget: Amount | None
    budget_spent: Amount
    balance: Amount | None
