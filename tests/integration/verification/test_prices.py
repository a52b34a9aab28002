"""Prices and features of plans in verifications: through the API, as services and customers see them."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.plans.models import Plan
from tests.integration.verification.verifying import balance_of, denials, usage, verify
from tests.support.accounts import colleague
from tests.support.assertions import assert_error
from tests.support.factories import (
    IssuedKey,
    give_credits,
    make_colleague,
    make_key,
    make_plan,
    make_service_key,
    make_user,
)
from tests.support.orm import make, rows

PRICES = {"resize": "0.050000", "free/ping": "0.000000"}
FEATURES = {"exports": True, "seats": 5, "share": 0.25}
PATH = "/api/v1/keys/verify"


def make_priced_key(**fields: Any) -> IssuedKey:
    """Return a key whose owner has ten credits and a plan with PRICES and FEATURES."""
    key = make_key(make_user(plan=make_plan(prices=PRICES, features=FEATURES)), **fields)
    give_credits(key.row.user, 10)
    return key


async def ask(api: httpx.AsyncClient, *items: dict[str, Any]) -> httpx.Response:
    service: IssuedKey = await make(make_service_key)
    return await api.post(f"{PATH}-batch", json={"items": list(items)}, headers=service.headers)


async def test_an_operation_costs_its_price_for_each_unit(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    verdict = await verify(api, key.secret, operation="resize", units=30)
    assert (verdict["code"], verdict["balance"], verdict["features"]) == ("VALID", "8.500000", FEATURES)
    (event,) = await usage()
    assert (event.cost, event.tag) == (Decimal("1.5"), "resize")
    assert await balance_of(key.row) == Decimal("8.5")


async def test_units_are_one_by_default_and_a_tag_replaces_the_operation(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    assert (await verify(api, key.secret, operation="resize", tag="eu"))["balance"] == "9.950000"
    assert (await verify(api, key.secret, operation="free/ping", units=10_000_000))["balance"] == "9.950000"
    assert [(event.cost, event.tag) for event in await usage()] == [(Decimal("0.05"), "eu"), (Decimal(0), "free/ping")]


async def test_an_operation_without_a_price_is_refused_alone(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    item = {"key": key.secret}
    answer = await ask(api, {**item, "operation": "render"}, {**item, "operation": "resize"}, {**item, "cost": "1"})
    verdicts = answer.json()["items"]
    assert [(verdict["code"], verdict["detail"]) for verdict in verdicts] == [
        ("UNKNOWN_OPERATION", "render"),
        ("VALID", None),
        ("VALID", None),
    ]
    assert await denials() == {(key.id, "UNKNOWN_OPERATION"): 1}
    assert await balance_of(key.row) == Decimal("8.95")


async def test_more_units_than_the_balance_pays_for_are_refused(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    verdict = await verify(api, key.secret, operation="resize", units=201)
    assert (verdict["code"], verdict["detail"], verdict["balance"]) == ("INSUFFICIENT_CREDITS", "balance", "10.000000")
    assert (await verify(api, key.secret, operation="resize", units=200))["balance"] == "0.000000"


async def test_a_budget_is_spent_by_prices(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key, budget=Decimal("0.1"))
    verdicts = [await verify(api, key.secret, operation="resize") for _ in range(3)]
    assert [verdict["code"] for verdict in verdicts] == ["VALID", "VALID", "INSUFFICIENT_CREDITS"]
    assert verdicts[2]["detail"] == "budget"


async def test_a_new_price_holds_for_the_next_call(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    staff: IssuedKey = await make(lambda: make_key(make_colleague("plans:write"), scopes=["plans:write"]))
    assert (await verify(api, key.secret, operation="resize"))["balance"] == "9.950000"
    change = {"prices": {"resize": "2"}, "features": {"seats": 6}, "reason": "new price list"}
    (plan,) = await rows(Plan.objects.filter(prices__has_key="resize"))
    changed = await api.patch(f"/api/v1/plans/{plan.pk}", json=change, headers=staff.headers)
    assert changed.json()["prices"] == {"resize": "2.000000"}
    verdict = await verify(api, key.secret, operation="resize")
    assert (verdict["balance"], verdict["features"]) == ("7.950000", {"seats": 6})
    assert (await verify(api, key.secret, operation="free/ping"))["code"] == "UNKNOWN_OPERATION"


async def test_a_retry_is_of_the_same_units(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    service: IssuedKey = await make(make_service_key)
    call = {"key": key.secret, "operation": "resize", "units": 2, "request_id": "r-1"}
    first, again, other = [
        await api.post(PATH, json=body, headers=service.headers) for body in (call, call, {**call, "units": 3})
    ]
    assert first.content == again.content
    assert_error(other, 409, "REQUEST_ID_REUSED")
    assert await balance_of(key.row) == Decimal("9.9")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cost": "1", "operation": "resize"}, "operation"),
        ({"units": 2}, "units"),
        ({"cost": "1", "units": 2}, "units"),
        ({"operation": "resize", "units": 0}, "units"),
        ({"operation": "resize", "units": 10_000_001}, "units"),
        ({"operation": "resize", "units": 1.5}, "units"),
        ({"operation": ""}, "operation"),
        ({"operation": "re size"}, "operation"),
        ({"operation": "r" * 101}, "operation"),
    ],
)
async def test_a_call_has_one_price(api: httpx.AsyncClient, body: dict[str, Any], field: str):
    key: IssuedKey = await make(make_priced_key)
    service: IssuedKey = await make(make_service_key)
    answer = await api.post(PATH, json={"key": key.secret, **body}, headers=service.headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field)
    assert await usage() == []


async def test_an_explanation_has_the_price(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_priced_key)
    support = await colleague("keys:read", "credits:read")
    path = f"/api/v1/api-keys/{key.id}/explain"
    answer = (await api.post(path, json={"operation": "resize", "units": 300}, headers=support.headers)).json()
    assert (answer["cost"], answer["code"], answer["detail"]) == ("15.000000", "INSUFFICIENT_CREDITS", "balance")
    sentences = {check["name"]: check["sentence"] for check in answer["checks"]}
    assert sentences["operation"] == "On this plan, 300 of resize cost 15.00."
    unknown = (await api.post(path, json={"operation": "render"}, headers=support.headers)).json()
    assert (unknown["cost"], unknown["code"]) == (None, "UNKNOWN_OPERATION")
    assert unknown["sentence"] == "A call now would be refused: the plan has no price for render."
