"""The forms of a plan."""

from typing import Any, ClassVar

from apps.core.admin.rate_limits_field import RateLimitsField
from apps.core.admin.schema_model_form import SchemaModelForm
from apps.core.rate_limits.rate_limit import RateLimit
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanCreate, PlanUpdate


class PlanForm(SchemaModelForm):
    """What can be said of a plan, new or not."""

    rate_limits = RateLimitsField()

    class Meta:
        model = Plan
        fields: ClassVar = ["name", "api_keys_maximum"]
        labels: ClassVar = {"api_keys_maximum": "API keys at most"}
        help_texts: ClassVar = {"api_keys_maximum": "That are not revoked. Empty: any number."}


class PlanAddForm(PlanForm):
    """Makes a plan."""

    schema = PlanCreate


class PlanChangeForm(PlanForm):
    """Changes a plan; its windows are those of the list."""

    schema = PlanUpdate

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["rate_limits"] = rate_limits_of(self.instance)


def rate_limits_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the plan's windows, the shortest period first."""
    return [RateLimit.model_validate(limit, from_attributes=True).model_dump() for limit in plan.limits.all()]
