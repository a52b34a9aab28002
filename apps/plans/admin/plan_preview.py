"""What an edit of a plan changes, and for how many customers and keys, before it is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Count, QuerySet
from django.forms import BaseForm

from apps.core.admin.form_fields import rate_limit_text
from apps.plans.admin.plan_fields import FeaturesField, PairsField, PricesField
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanUpdate

ANY_NUMBER = "any number"
NO_LIMIT = "no limit of this name"
NONE = "none"
# What it means for the customers that a plan loses one, and that it gets or changes one.
NO_FEATURE = ("Verifications no longer return it.", "Verifications return it.")
NO_PRICE = ("Calls of it are refused: UNKNOWN_OPERATION.", "Each call of it costs this much for a unit, in credits.")


class NotConfirmed(Exception):
    """The edit of the plan has not been confirmed on the page that shows what it changes."""

    def __init__(self, plan: Plan, form: BaseForm) -> None:
        super().__init__()
        self.plan = plan
        self.form = form


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the preview: the former and the new value, and what it means for the customers."""

    name: str
    before: str
    after: str
    effect: str


def customers_on(plan: Plan) -> int:
    """Return how many accounts are on the plan."""
    return int(get_user_model()._default_manager.filter(plan=plan, deleted_at=None).order_by().count())


def keys_on(plan: Plan) -> int:
    """Return how many keys, which are neither revoked nor deleted, the accounts on the plan have."""
    return int(_keys(plan).count())


def changes_of(plan: Plan, before: Sequence[Mapping[str, Any]], update: PlanUpdate) -> list[Change]:
    """Return what the update changes; `before` are the plan's rate limits."""
    changes = []
    if "name" in update.changed_fields:
        changes.append(Change("Name", plan.name, update.name, "Verifications return the new name."))
    if "rate_limits" in update.changed_fields:
        changes += _changed_limits(plan, before, [limit.model_dump() for limit in update.rate_limits])
    if "api_keys_maximum" in update.changed_fields:
        changes.append(_changed_maximum(plan, update.api_keys_maximum))
    if "features" in update.changed_fields:
        changes += _changed_pairs("Feature", FeaturesField(), plan.features, update.features, NO_FEATURE)
    if "prices" in update.changed_fields:
        changes += _changed_pairs("Price of", PricesField(), plan.prices, update.prices, NO_PRICE)
    return changes


def _changed_limits(
    plan: Plan, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Change]:
    former, new = ({limit["name"]: rate_limit_text(limit) for limit in limits} for limits in (before, after))
    names = [name for name in {**former, **new} if former.get(name) != new.get(name)]
    return [
        Change(f"Rate limit “{name}”", former.get(name, NO_LIMIT), new.get(name, NO_LIMIT), _own_limits(plan, name))
        for name in names
    ]


def _changed_pairs(
    kind: str, field: PairsField, before: Mapping[str, Any], after: Mapping[str, Any], effects: tuple[str, str]
) -> list[Change]:
    former, new = ({name: field.text_of(value) for name, value in pairs.items()} for pairs in (before, after))
    names = [name for name in sorted(former | new) if former.get(name) != new.get(name)]
    none, some = effects
    return [
        Change(f"{kind} “{name}”", former.get(name, NONE), new.get(name, NONE), some if name in new else none)
        for name in names
    ]


def _own_limits(plan: Plan, name: str) -> str:
    number = _keys(plan).filter(rate_limits__contains=[{"name": name}]).count()
    return f"Keys with a limit “{name}” of their own, which does not change: {number}." if number else "For all keys."


def _changed_maximum(plan: Plan, maximum: int | None) -> Change:
    former, new = (str(each) if each is not None else ANY_NUMBER for each in (plan.api_keys_maximum, maximum))
    effect = "No customer has more keys."
    if maximum is not None and (more := _accounts_with_more_keys(plan, maximum)):
        effect = f"Customers with more keys: {more}. Their keys stay valid, but they cannot create another."
    return Change("Maximum number of API keys", former, new, effect)


def _accounts_with_more_keys(plan: Plan, maximum: int) -> int:
    counted = _keys(plan).values("user").annotate(number=Count("pk"))
    return int(counted.filter(number__gt=maximum).count())


def _keys(plan: Plan) -> QuerySet[Any]:
    """Return the keys that count: neither revoked nor deleted. Their app is above this one, so it is not imported."""
    live = {"user__plan": plan, "user__deleted_at": None, "revoked_at": None, "deleted_at": None}
    keys: QuerySet[Any] = apps.get_model("api_keys.ApiKey")._base_manager.filter(**live).order_by()
    return keys
