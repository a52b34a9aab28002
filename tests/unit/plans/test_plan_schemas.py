"""The schemas of plans and rate limits."""

from typing import Any

import pytest
from pydantic import ValidationError

from apps.core.rate_limits.rate_limit import RateLimit
from apps.plans.models import Plan
from apps.plans.schemas.plan import PlanCreate, PlanOut, PlanUpdate
from tests.support.fakes import LONG_AGO

pytestmark = pytest.mark.unit

MINUTE = {"name": "minute", "limit": 60, "period_seconds": 60}


def refused(kind: Any, **fields: Any) -> set[str]:
    with pytest.raises(ValidationError) as refusal:
        kind.model_validate(fields)
    return {str(problem["loc"][0]) for problem in refusal.value.errors()}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 50},
        {"name": "a.b-C_9"},
        {"limit": 0},
        {"limit": 10**12},
        {"period_seconds": 1},
        {"period_seconds": 31_622_400},
    ],
    ids=repr,
)
def test_a_rate_limit_is_accepted(change):
    assert RateLimit.model_validate({**MINUTE, **change}).model_dump() == {**MINUTE, **change}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", text) for text in ("", "x" * 51, "a b", "a\n", "ä", 'a"b', "a\\b", "a;b", "a\x00", "a:b")],
        *[("limit", value) for value in (-1, 10**12 + 1, 2**64, "60", 60.0, True, None)],
        *[("period_seconds", value) for value in (0, -1, 31_622_401, "60", 60.0, True, None)],
        ("remaining", 5),
    ],
    ids=repr,
)
def test_a_malformed_rate_limit_is_rejected(field, value):
    assert refused(RateLimit, **{**MINUTE, field: value}) == {field}


@pytest.mark.parametrize("missing", ["name", "limit", "period_seconds"])
def test_all_fields_of_a_rate_limit_are_required(missing):
    assert refused(RateLimit, **{name: value for name, value in MINUTE.items() if name != missing}) == {missing}


def test_a_name_is_enough():
    assert PlanCreate.model_validate({"name": " gold "}).model_dump() == {
        "reason": "",
        "name": "gold",
        "api_keys_maximum": None,
        "rate_limits": [],
        "features": {},
        "prices": {},
    }


@pytest.mark.parametrize("kind", [PlanCreate, PlanUpdate])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", text) for text in ("", "  ", "x" * 51, "a\x00", "\ud800", None, 5)],
        *[("api_keys_maximum", value) for value in (-1, 2**31, "5", 1.0, True)],
        ("rate_limits", None),
        ("rate_limits", {}),
        ("rate_limits", "minute 60 per 60"),
        ("rate_limits", [MINUTE, {**MINUTE, "limit": 5}]),
        ("rate_limits", [{**MINUTE, "name": f"w{number}"} for number in range(11)]),
        ("id", 5),
        ("credits_monthly", "5"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_malformed_plans_are_rejected(kind, field, value):
    assert refused(kind, **{"name": "gold", field: value}) == {field}


def test_whitespace_around_a_name_is_removed():
    assert PlanUpdate.model_validate({"name": f"  {'x' * 50} "}).name == "x" * 50


def test_names_of_rate_limits_are_case_sensitive():
    rate_limits = [{**MINUTE, "name": name} for name in "abcdeABCDE"]
    assert (
        PlanCreate.model_validate({"name": "gold", "rate_limits": rate_limits}).model_dump()["rate_limits"]
        == rate_limits
    )


def test_a_change_holds_only_what_was_sent():
    assert PlanUpdate.model_validate({}).model_fields_set == set()
    assert PlanUpdate.model_validate({"api_keys_maximum": None}).model_fields_set == {"api_keys_maximum"}


def test_a_plan_is_shown_with_what_it_has():
    plan = Plan(pk=5, name="gold", api_keys_maximum=3, created_at=LONG_AGO, updated_at=LONG_AGO)
    plan.features, plan.prices = {"seats": 5}, {"resize": "0.050000"}
    vars(plan)["rate_limits"] = [MINUTE]
    assert PlanOut.of(plan).model_dump() == {
        "id": 5,
        "name": "gold",
        "api_keys_maximum": 3,
        "rate_limits": [MINUTE],
        "features": {"seats": 5},
        "prices": {"resize": "0.050000"},
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
    }
