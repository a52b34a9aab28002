"""Plans."""

from typing import Annotated

from pydantic import Field

from apps.core.rate_limits.rate_limit import RateLimit, RateLimits
from apps.core.schemas.base import EntityOut, ReasonedRequest, VersionedOut
from apps.core.schemas.fields import ShortText, Timestamp, omitted

INTEGER_MAXIMUM = 2**31 - 1
PlanName = Annotated[ShortText, Field(max_length=50)]
KeysMaximum = Annotated[int, Field(strict=True, ge=0, le=INTEGER_MAXIMUM)]


class PlanCreate(ReasonedRequest):
    """A new plan. Without `rate_limits` calls are not limited; without `api_keys_maximum` the number of keys is not."""

    name: PlanName
    api_keys_maximum: KeysMaximum | None = None
    rate_limits: RateLimits = Field(default_factory=list)


class PlanUpdate(ReasonedRequest):
    """The fields to change; omitted fields stay as they are. `rate_limits` replaces all rate limits of the plan.
    `api_keys_maximum: null` allows any number of keys."""

    name: PlanName = Field(default_factory=omitted)
    api_keys_maximum: KeysMaximum | None = None
    rate_limits: RateLimits = Field(default_factory=omitted)


class PlanOut(EntityOut, VersionedOut):
    """A plan with its rate limits, the shortest period first."""

    id: int
    name: str
    api_keys_maximum: int | None
    rate_limits: list[RateLimit]
    created_at: Timestamp
    updated_at: Timestamp
