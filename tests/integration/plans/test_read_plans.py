"""`GET /api/v1/plans` and `/plans/{id}`."""

from typing import Any

import httpx
import pytest

from apps.plans.models import Plan, PlanLimit
from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make

PLANS = "/api/v1/plans"
MINUTES = {"free": 60, "pro": 600, "enterprise": 6000}


def minute(limit: int) -> dict[str, Any]:
    return {"name": "minute", "limit": limit, "period_seconds": 60}


async def test_every_authenticated_client_reads_plans(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    key = await make(make_key)
    for headers in (me.headers, staff.headers, key.headers):
        response = await api.get(PLANS, headers=headers)
        assert response.status_code == 200
        page = response.json()
        assert {plan["name"]: plan["rate_limits"] for plan in page["items"]} == {
            name: [minute(limit)] for name, limit in MINUTES.items()
        }
        assert (page["total"], page["page"], page["size"], page["pages"]) == (3, 1, 20, 1)
        for plan in page["items"]:
            assert (await api.get(f"{PLANS}/{plan['id']}", headers=headers)).json() == plan


async def test_plans_are_paged(api: httpx.AsyncClient):
    me = await customer()
    page = (await api.get(PLANS, params={"page": 2, "size": 2}, headers=me.headers)).json()
    assert ([plan["name"] for plan in page["items"]], page["total"], page["pages"]) == (["enterprise"], 3, 2)


async def test_rate_limits_are_in_order_of_periods(api: httpx.AsyncClient):
    me = await customer()
    plan, bare = await make(Plan.objects.create, name="gold"), await make(Plan.objects.create, name="bare")
    for name, seconds in (("day", 86400), ("second", 1), ("hour", 3600)):
        await make(PlanLimit.objects.create, plan=plan, name=name, limit=10**12, period_seconds=seconds)
    shown = (await api.get(f"{PLANS}/{plan.pk}", headers=me.headers)).json()
    assert [rate_limit["name"] for rate_limit in shown["rate_limits"]] == ["second", "hour", "day"]
    assert shown["rate_limits"][0] == {"name": "second", "limit": 10**12, "period_seconds": 1}
    assert (await api.get(f"{PLANS}/{bare.pk}", headers=me.headers)).json()["rate_limits"] == []


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/{2**62}", 404, "NOT_FOUND"),
        (f"/{2**63}", 422, "VALIDATION_FAILED"),
        ("/0", 422, "VALIDATION_FAILED"),
        ("/free", 422, "VALIDATION_FAILED"),
        ("?size=101", 422, "VALIDATION_FAILED"),
        ("?page=0", 422, "VALIDATION_FAILED"),
    ],
)
async def test_malformed_queries_are_rejected(api: httpx.AsyncClient, path: str, status: int, code: str):
    me = await customer()
    assert_error(await api.get(PLANS + path, headers=me.headers), status, code)


@pytest.mark.parametrize("path", ["", "/1"])
async def test_anonymous_clients_read_nothing(api: httpx.AsyncClient, path: str):
    assert_error(await api.get(PLANS + path), 401, "NOT_AUTHENTICATED")
