"""Verification requests and responses."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import Field, SecretStr, StringConstraints, ValidationInfo, field_validator

from apps.api_keys.schemas.api_key import Scopes
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import Amount, OneLine, Timestamp, rfc3339
from apps.core.values.amounts import InputAmount
from apps.plans.schemas.plan import OperationName
from apps.verification.domain import Code, Verdict

WEIGHT_MAXIMUM = 1_000_000
UNITS_MAXIMUM = 10_000_000  # times the highest price: still a valid amount
Weight = Annotated[int, Field(strict=True, ge=1, le=WEIGHT_MAXIMUM)]
Units = Annotated[int, Field(strict=True, ge=1, le=UNITS_MAXIMUM)]


class PricedRequest(RequestSchema):
    """What a call costs: `cost` credits, or the price of `units` of an `operation` in the plan of the key's owner."""

    # In this order: the rules of each depend on those before.
    cost: Annotated[InputAmount, Field(ge=0)] = Decimal(0)
    operation: OperationName | None = None
    units: Units = 1

    @field_validator("operation")
    @classmethod
    def _is_the_only_price(cls, operation: str | None, info: ValidationInfo) -> str | None:
        if operation is not None and info.data.get("cost"):
            raise ValueError("name a cost or an operation, not both")
        return operation

    @field_validator("units")
    @classmethod
    def _are_of_an_operation(cls, units: int, info: ValidationInfo) -> int:
        if "operation" in info.data and info.data["operation"] is None:
            raise ValueError("name the operation of which these are units")
        return units


class VerifyRequest(PricedRequest):
    """A call to verify. `cost` is in credits, `weight` counts against the rate limits, `ip` is the client's address.
    Instead of a cost, name an `operation` of which the call uses so many `units`: the price of the customer's plan
    determines the cost. Without a `tag`, the operation is the tag.
    `request_id` is the idempotency key: a retry of the same call with the same one is charged once, and gets the first
    response.

    The client that presents the key controls `key` and `ip`, so no text in them is an error: a key that is none is
    NOT_FOUND, an address that cannot be read is FORBIDDEN."""

    key: SecretStr
    weight: Weight = 1
    scopes: Scopes = Field(default_factory=list)
    ip: str | None = None
    tag: Annotated[str, StringConstraints(max_length=100), OneLine] = ""
    request_id: Annotated[str, StringConstraints(min_length=1, max_length=100), OneLine] | None = None


TIMESTAMPS_CACHED = RATE_LIMITS_CACHED = 1024
NO_KEY = orjson.dumps(
    {
        **dict.fromkeys(("key_id", "user_id", "name", "environment")),
        "scopes": [],
        "plan": None,
        "features": {},
        "metadata": {},
        "expires_at": None,
    }
)[1:-1]


class RateLimitStatusOut(ResponseSchema):
    """The status of a rate limit after the call. If no more calls come, the whole limit is available at `reset_at`."""

    name: str
    limit: int
    period_seconds: int
    remaining: int
    reset_at: Timestamp


class VerifyResponse(ResponseSchema):
    """Whether the key may make the call, and if not, why. The fields of the key are null when it was not found.

    `detail` says what exactly refuses the call: `revoked` or `disabled`; `key` or `secret` (which of them has expired);
    `owner_suspended`, `owner_locked`, `address_not_allowed` or `address_unreadable`; the first missing scope; the
    operation that has no price; the name of the rate limit; `budget` or `balance`. It is null for VALID and NOT_FOUND.
    `features` are those of the owner's plan. `balance` and `rate_limits` are those after the call.
    `retry_after_seconds` is how long to wait after RATE_LIMITED; it is null if `weight` exceeds a whole limit.
    """

    valid: bool
    code: Code
    detail: str | None = None
    key_id: int | None = None
    user_id: int | None = None
    name: str | None = None
    environment: Literal["live", "test"] | None = None
    scopes: list[str] = []
    plan: str | None = None
    features: dict[str, bool | int | float] = {}
    metadata: dict[str, Any] = {}
    expires_at: Timestamp | None = None
    balance: Amount | None = None
    rate_limits: list[RateLimitStatusOut] = []
    retry_after_seconds: int | None = None
    request_id: str

    @classmethod
    def of(cls, verdict: Verdict, request_id: str) -> Self:
        """Return the response for the verdict."""
        return cls.model_validate_json(response_json(verdict, request_id))


def response_json(verdict: Verdict, request_id: str) -> bytes:
    """Return the JSON of the response. What it says about the key is encoded once, when the key is loaded."""
    if verdict.stored_response is not None:
        return verdict.stored_response
    retry_after = verdict.retry_after_seconds
    return (
        b'{"valid":%b,"code":"%b","detail":%b,%b,"balance":%b,"rate_limits":[%b],'
        b'"retry_after_seconds":%b,"request_id":%b}'
    ) % (
        b"true" if verdict.is_valid else b"false",
        verdict.code.encode(),
        b"null" if verdict.detail is None else orjson.dumps(verdict.detail),
        verdict.record.description if verdict.record else NO_KEY,
        b"null" if verdict.balance is None else f'"{verdict.balance:f}"'.encode(),
        b",".join([_status(status) for status in verdict.rate_limits]),
        b"null" if retry_after is None else b"%d" % retry_after,
        orjson.dumps(request_id),
    )


def _status(status: RateLimitStatus) -> bytes:
    name, limit, period_seconds, remaining, reset_at_ms = status
    return b'%b,"remaining":%d,"reset_at":"%b"}' % (
        _rate_limit(name, limit, period_seconds),
        remaining,
        _timestamp(reset_at_ms),
    )


@lru_cache(maxsize=RATE_LIMITS_CACHED)
def _rate_limit(name: str, limit: int, period_seconds: int) -> bytes:
    """Return the members of the JSON object that every status of this rate limit begins with."""
    return orjson.dumps({"name": name, "limit": limit, "period_seconds": period_seconds})[:-1]


@lru_cache(maxsize=TIMESTAMPS_CACHED)
def _timestamp(milliseconds: int) -> bytes:
    # The same for all keys whose rate limits begin in one batch.
    return rfc3339(datetime.fromtimestamp(milliseconds / 1000, UTC)).encode()


QUERIES_MAXIMUM = 100


class VerifyBatchRequest(RequestSchema):
    """Calls to verify in this order, each on its own."""

    items: Annotated[list[VerifyRequest], Field(min_length=1, max_length=QUERIES_MAXIMUM)]


class VerifyBatchResponse(ResponseSchema):
    """The responses, in the order of the calls."""

    items: list[VerifyResponse]
