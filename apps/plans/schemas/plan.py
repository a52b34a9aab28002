"""Plans."""

from math import isfinite
from typing import Annotated

from pydantic import Field, JsonValue, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema

from apps.core.rate_limits.rate_limit import RateLimit, RateLimits
from apps.core.schemas.base import EntityOut, ReasonedRequest, VersionedOut
from apps.core.schemas.fields import Amount, ShortText, Timestamp, omitted
from apps.core.values.amounts import InputAmount

INTEGER_MAXIMUM = 2**31 - 1
EXACT_MAXIMUM = 2**53 - 1  # the largest number that every JSON parser reads exactly
FEATURES_MAXIMUM, OPERATIONS_MAXIMUM = 100, 500
PRICE_MAXIMUM = 1_000_000
NO_OTHER_NAMES: dict[str, JsonValue] = {"additionalProperties": False}


def _feature(value: object) -> bool | int | float:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= EXACT_MAXIMUM):
        return value
    if isinstance(value, float) and isfinite(value) and abs(value) <= EXACT_MAXIMUM:
        return value
    raise ValueError(f"Enter true, false, or a number between -{EXACT_MAXIMUM} and {EXACT_MAXIMUM}.")


PlanName = Annotated[ShortText, Field(max_length=50)]
KeysMaximum = Annotated[int, Field(strict=True, ge=0, le=INTEGER_MAXIMUM)]
FeatureName = Annotated[str, StringConstraints(max_length=50, pattern=r"^[a-z][a-z0-9_.-]*$")]
Feature = Annotated[
    bool | int | float,
    PlainValidator(_feature),
    WithJsonSchema(
        {"anyOf": [{"type": "boolean"}, {"type": "number", "minimum": -EXACT_MAXIMUM, "maximum": EXACT_MAXIMUM}]}
    ),
]
Features = Annotated[dict[FeatureName, Feature], Field(max_length=FEATURES_MAXIMUM, json_schema_extra=NO_OTHER_NAMES)]
OperationName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:-]*$")
]
Price = Annotated[
    InputAmount, Field(ge=0, le=PRICE_MAXIMUM), PlainSerializer(lambda price: f"{price:f}", return_type=str)
]
Prices = Annotated[dict[OperationName, Price], Field(max_length=OPERATIONS_MAXIMUM, json_schema_extra=NO_OTHER_NAMES)]


class PlanCreate(ReasonedRequest):
    """A new plan. Without `rate_limits` calls are not limited; without `api_keys_maximum` the number of keys is not.

    `features` are what the plan entitles to, names with true, false or a number; every verification returns them.
    `prices` are the credits for a unit of each operation that a verification may name instead of a cost.
    """

    name: PlanName
    api_keys_maximum: KeysMaximum | None = None
    rate_limits: RateLimits = Field(default_factory=list)
    features: Features = Field(default_factory=dict)
    prices: Prices = Field(default_factory=dict)


class PlanUpdate(ReasonedRequest):
    """The fields to change; omitted fields stay as they are. `rate_limits`, `features` and `prices` replace all of the
    plan. `api_keys_maximum: null` allows any number of keys."""

    name: PlanName = Field(default_factory=omitted)
    api_keys_maximum: KeysMaximum | None = None
    rate_limits: RateLimits = Field(default_factory=omitted)
    features: Features = Field(default_factory=omitted)
    prices: Prices = Field(default_factory=omitted)


class PlanOut(EntityOut, VersionedOut):
    """A plan with its rate limits, the shortest period first, its features and its prices."""

    id: int
    name: str
    api_keys_maximum: int | None
    rate_limits: list[RateLimit]
    features: dict[str, bool | int | float]
    prices: dict[str, Amount]
    created_at: Timestamp
    updated_at: Timestamp
