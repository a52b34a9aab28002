"""What an edit of a plan changes, and for how many customers and keys, before it is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.db.models import Count, QuerySet
from django.forms import BaseForm

from apps.core.admin.form_fields import rate_limit_text
from apps.core.database.page_statements import bounded_statements, is_statement_timeout
from apps.plans.admin.plan_fields import FeaturesField, PairsField, PricesField
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanUpdate

ANY_NUMBER = "any number"
NO_LIMIT = "no limit of this name"
ABSENT = "none"
# What it means for the customers that a plan loses one, and that it gets or changes one.
NO_FEATURE = ("Verifications no longer return it.", "Verifications return it.")
NO_PRICE = ("Calls of it are refused: UNKNOWN_OPERATION.", "Each call of it costs this much for a unit, in credits.")
COUNTED_MAXIMUM = 10_000
COUNTING_SECONDS = 2  # for each number
NONE, UNKNOWN = "0", "too many to count"


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


class Reach:
    """Counts the customers and keys that an edit of the plan touches, up to COUNTED_MAXIMUM.

    The page is shown also where that takes too long: after the first statement that is cancelled, nothing is counted.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._is_too_slow = False

    @property
    def customers(self) -> str:
        """How many accounts are on the plan."""
        return self._number(get_user_model()._default_manager.filter(plan=self._plan, deleted_at=None).order_by())

    @property
    def keys(self) -> str:
        """How many keys, which are neither revoked nor deleted, the accounts on the plan have."""
        return self._number(self._keys)

    def keys_with_limit(self, name: str) -> str:
        """Return how many of these keys have a rate limit of this name of their own."""
        return self._number(self._keys.filter(rate_limits__contains=[{"name": name}]))

    def customers_with_more_keys(self, maximum: int) -> str:
        """Return how many of the accounts have more of these keys than the maximum."""
        counted = self._keys.values("user").annotate(number=Count("pk"))
        return self._number(counted.filter(number__gt=maximum))

    @property
    def _keys(self) -> QuerySet[Any]:
        """The keys that count. Their app is above this one, so it is not imported."""
        live = {"user__plan": self._plan, "user__deleted_at": None, "revoked_at": None, "deleted_at": None}
        keys: QuerySet[Any] = apps.get_model("api_keys.ApiKey")._base_manager.filter(**live).order_by()
        return keys

    def _number(self, rows: QuerySet[Any]) -> str:
        if self._is_too_slow:
            return UNKNOWN
        try:
            with bounded_statements(COUNTING_SECONDS):
                number = int(rows[: COUNTED_MAXIMUM + 1].count())
        except OperationalError as error:
            if not is_statement_timeout(error):
                raise
            self._is_too_slow = True
            return UNKNOWN
        return f"more than {COUNTED_MAXIMUM:,}" if number > COUNTED_MAXIMUM else f"{number:,}"


def changes_of(reach: Reach, plan: Plan, before: Sequence[Mapping[str, Any]], update: PlanUpdate) -> list[Change]:
    """Return what the update changes; `before` are the plan's rate limits."""
    changes = []
    if "name" in update.changed_fields:
        changes.append(Change("Name", plan.name, update.name, "Verifications return the new name."))
    if "rate_limits" in update.changed_fields:
        changes += _changed_limits(reach, before, [limit.model_dump() for limit in update.rate_limits])
    if "api_keys_maximum" in update.changed_fields:
        changes.append(_changed_maximum(reach, plan, update.api_keys_maximum))
    if "features" in update.changed_fields:
        changes += _changed_pairs("Feature", FeaturesField(), plan.features, update.features, NO_FEATURE)
    if "prices" in update.changed_fields:
        changes += _changed_pairs("Price of", PricesField(), plan.prices, update.prices, NO_PRICE)
    return changes


def _changed_limits(
    reach: Reach, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Change]:
    former, new = ({limit["name"]: rate_limit_text(limit) for limit in limits} for limits in (before, after))
    names = [name for name in {**former, **new} if former.get(name) != new.get(name)]
    return [
        Change(f"Rate limit “{name}”", former.get(name, NO_LIMIT), new.get(name, NO_LIMIT), _own_limits(reach, name))
        for name in names
    ]


def _changed_pairs(
    kind: str, field: PairsField, before: Mapping[str, Any], after: Mapping[str, Any], effects: tuple[str, str]
) -> list[Change]:
    former, new = ({name: field.text_of(value) for name, value in pairs.items()} for pairs in (before, after))
    names = [name for name in sorted(former | new) if former.get(name) != new.get(name)]
    none, some = effects
    return [
        Change(f"{kind} “{name}”", former.get(name, ABSENT), new.get(name, ABSENT), some if name in new else none)
        for name in names
    ]


def _own_limits(reach: Reach, name: str) -> str:
    number = reach.keys_with_limit(name)
    return (
        "For all keys."
        if number == NONE
        else f"Keys with a limit “{name}” of their own, which does not change: {number}."
    )


def _changed_maximum(reach: Reach, plan: Plan, maximum: int | None) -> Change:
    former, new = (str(each) if each is not None else ANY_NUMBER for each in (plan.api_keys_maximum, maximum))
    more = NONE if maximum is None else reach.customers_with_more_keys(maximum)
    effect = "No customer has more keys."
    if more != NONE:
        effect = f"Customers with more keys: {more}. Their keys stay valid, but they cannot create another."
    return Change("Maximum number of API keys", former, new, effect)
