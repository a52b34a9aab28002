"""Plans, as staff create and change them and everyone reads them."""

from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import Field

from apps.core.rate_limits.rate_limit import RateLimit, RateLimits
from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import ShortText, Timestamp, omitted

if TYPE_CHECKING:
    from apps.plans.models import Plan


INTEGER_MAXIMUM = 2**31 - 1
PlanName = Annotated[ShortText, Field(max_length=50)]
KeysMaximum = Annotated[int, Field(strict=True, ge=0, le=INTEGER_MAXIMUM)]


class PlanCreate(RequestSchema):
    """A new plan. No windows: calls are not limited; no `api_keys_maximum`: nor is the number of keys."""

    name: PlanName
    api_keys_maximum: KeysMaximum | None = None
    rate_limits: RateLimits = Field(default_factory=list)


class PlanUpdate(RequestSchema):
    """What to change; what is left out stays. `rate_limits` are all windows there will be, in place of the old ones;
    `api_keys_maximum: null` takes that limit away."""

    name: PlanName = Field(default_factory=omitted)
    api_keys_maximum: KeysMaximum | None = None
    rate_limits: RateLimits = Field(default_factory=omitted)


class PlanOut(ResponseSchema):
    """A plan with its windows, the shortest period first."""

    id: int
    name: str
    api_keys_maximum: int | None
    rate_limits: list[RateLimit]
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, plan: "Plan") -> Self:
        """Return the plan's public face; `plan.rate_limits` must be annotated."""
        return cls(
            id=plan.pk,
            name=plan.name,
            api_keys_maximum=plan.api_keys_maximum,
            rate_limits=cast("Any", plan).rate_limits,
            created_at=plan.created_at,
            updated_at=plan.updated_at,
        )
