"""`POST /api/v1/plans`, `PATCH` and `DELETE /plans/{id}`."""

import asyncio
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import STAFF_SCOPES
from apps.plans.models import Plan, PlanLimit
from tests.support.accounts import audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.captured_sql import captured
from tests.support.factories import make_key, make_service_key, make_staff, make_user
from tests.support.orm import make, rows

PLANS = "/api/v1/plans"
MISSING = 2**62
MINUTE = {"name": "minute", "limit": 600, "period_seconds": 60}
HOUR = {"name": "hour", "limit": 0, "period_seconds": 3600}
GOLD = {
    "name": "gold",
    "api_keys_maximum": 3,
    "rate_limits": [MINUTE, HOUR],
    "features": {"exports": True, "seats": 5},
    "prices": {"images/resize": "0.050000"},
}


async def plan_named(name: str) -> Plan:
    (plan,) = await rows(Plan.objects.filter(name=name))
    return plan


async def everything() -> list[dict[str, Any]]:
    """Return all that is stored of plans."""
    found = [*await rows(Plan.objects.order_by("id")), *await rows(PlanLimit.objects.order_by("id"))]
    return [{name: value for name, value in vars(row).items() if name != "_state"} for row in found]


async def only_event() -> AuditEvent:
    (event,) = await rows(AuditEvent.objects.all())
    return event


async def test_staff_create_a_plan(api: httpx.AsyncClient):
    staff = await colleague()
    response = await api.post(PLANS, json=GOLD, headers=staff.headers)
    made = response.json()
    assert (response.status_code, {name: made[name] for name in GOLD}) == (201, GOLD)
    assert (await api.get(f"{PLANS}/{made['id']}", headers=staff.headers)).json() == made
    assert await audited() == [("plan.created", made["id"], staff.id)]
    assert (await only_event()).after == GOLD


async def test_a_name_is_enough(api: httpx.AsyncClient):
    staff = await superuser()
    made = (await api.post(PLANS, json={"name": " gold "}, headers=staff.headers)).json()
    assert (made["name"], made["api_keys_maximum"], made["rate_limits"]) == ("gold", None, [])


async def test_rate_limits_replace_the_former_ones(api: httpx.AsyncClient):
    staff, pro = await colleague(), await plan_named("pro")
    limits = {**MINUTE, "limit": 5}
    response = await api.patch(f"{PLANS}/{pro.pk}", json={"rate_limits": [HOUR, limits]}, headers=staff.headers)
    assert (response.status_code, response.json()["rate_limits"]) == (200, [limits, HOUR])
    assert (await plan_named("pro")).updated_at > pro.updated_at
    event = await only_event()
    assert (event.action, event.target_id, event.actor_id) == ("plan.updated", pro.pk, staff.id)
    assert (event.before, event.after) == ({"rate_limits": [MINUTE]}, {"rate_limits": [limits, HOUR]})
    emptied = await api.patch(f"{PLANS}/{pro.pk}", json={"rate_limits": []}, headers=staff.headers)
    assert emptied.json()["rate_limits"] == []
    assert await rows(PlanLimit.objects.filter(plan=pro)) == []


@pytest.mark.parametrize("change", [{"name": "professional"}, {"api_keys_maximum": 0}, {"api_keys_maximum": None}, {}])
async def test_only_fields_that_were_sent_are_changed(api: httpx.AsyncClient, change: dict[str, Any]):
    staff = await colleague()
    made = (await api.post(PLANS, json=GOLD, headers=staff.headers)).json()
    response = await api.patch(f"{PLANS}/{made['id']}", json=change, headers=staff.headers)
    assert response.status_code == 200
    assert response.json() == {**made, **change, "updated_at": response.json()["updated_at"]}


async def test_changing_and_deleting_a_plan_lock_it_first(api: httpx.AsyncClient):
    staff, pro = await colleague(), await plan_named("pro")
    with captured() as sql:
        await api.patch(f"{PLANS}/{pro.pk}", json={"name": "gold", "rate_limits": [HOUR]}, headers=staff.headers)
    assert sql.changes == ["lock plans", "update plans", "delete plan_limits", "insert plan_limits"]
    with captured() as sql:
        await api.delete(f"{PLANS}/{pro.pk}", headers=staff.headers)
    assert sql.changes == ["lock plans", "delete plan_limits", "delete plans"]


async def test_concurrent_changes_are_atomic_and_the_last_one_stays(api: httpx.AsyncClient):
    staff, pro = await colleague(), await plan_named("pro")
    wishes = [[{**MINUTE, "limit": limit}, {**HOUR, "limit": limit}] for limit in range(1, 9)]
    answers = await asyncio.gather(
        *(api.patch(f"{PLANS}/{pro.pk}", json={"rate_limits": wish}, headers=staff.headers) for wish in wishes)
    )
    assert [answer.json()["rate_limits"] for answer in answers] == wishes
    events = await rows(AuditEvent.objects.order_by("id"))
    former = [[MINUTE], *(event.after["rate_limits"] for event in events)]
    assert [event.before["rate_limits"] for event in events] == former[:-1]
    last = events[-1]
    shown = (await api.get(f"{PLANS}/{pro.pk}", headers=staff.headers)).json()["rate_limits"]
    assert shown == last.after["rate_limits"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"api_keys_maximum": -1}, "api_keys_maximum"),
        ({"api_keys_maximum": 2**31}, "api_keys_maximum"),
        ({"rate_limits": None}, "rate_limits"),
        ({"features": None}, "features"),
        ({"features": {"Exports": True}}, "features.Exports"),
        ({"features": {"exports": "yes"}}, "features.exports"),
        ({"features": {"seats": 2**53}}, "features.seats"),
        ({"features": {f"f{number}": True for number in range(101)}}, "features"),
        ({"prices": {"resize": "-1"}}, "prices.resize"),
        ({"prices": {"resize": "0.0000001"}}, "prices.resize"),
        ({"prices": {"resize": "1000000.000001"}}, "prices.resize"),
        ({"prices": {" resize": "1"}}, "prices. resize"),
        ({"rate_limits": [MINUTE, MINUTE]}, "rate_limits"),
        ({"rate_limits": [{**MINUTE, "name": 'a"'}]}, "rate_limits.0.name"),
        ({"rate_limits": [MINUTE, {**HOUR, "limit": 10**12 + 1}]}, "rate_limits.1.limit"),
        ({"rate_limits": [{**MINUTE, "period_seconds": 31_622_401}]}, "rate_limits.0.period_seconds"),
        ({"rate_limits": [{"name": "minute", "limit": 5}]}, "rate_limits.0.period_seconds"),
        ({"credits_monthly": "5"}, "credits_monthly"),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_malformed_plans_are_rejected(api: httpx.AsyncClient, change: dict[str, Any], field: str):
    staff, pro = await colleague(), await plan_named("pro")
    before = await everything()
    made = await api.post(PLANS, json={"name": "gold", **change}, headers=staff.headers)
    changed = await api.patch(f"{PLANS}/{pro.pk}", json=change, headers=staff.headers)
    for response in (made, changed):
        assert_error(response, 422, "VALIDATION_FAILED", field=field)
    assert (await everything(), await audited()) == (before, [])


async def test_the_next_verification_uses_the_new_rate_limits(api: httpx.AsyncClient):
    staff, free = await colleague(), await plan_named("free")
    caller = await make(make_user, plan=await plan_named("pro"))
    key, service = await make(make_key), await make(make_service_key, user=caller)
    codes = []
    for limit in (0, 5, 0):
        change = {"rate_limits": [{**MINUTE, "limit": limit}, {**MINUTE, "name": "other", "period_seconds": 7}]}
        assert (await api.patch(f"{PLANS}/{free.pk}", json=change, headers=staff.headers)).status_code == 200
        answer = await api.post("/api/v1/keys/verify", json={"key": key.secret}, headers=service.headers)
        codes.append(answer.json()["code"])
    assert codes == ["RATE_LIMITED", "VALID", "RATE_LIMITED"]


async def test_a_name_is_unique(api: httpx.AsyncClient):
    staff, pro = await colleague(), await plan_named("pro")
    before = await everything()
    made = await api.post(PLANS, json={"name": "free"}, headers=staff.headers)
    renamed = await api.patch(f"{PLANS}/{pro.pk}", json={"name": "free", "rate_limits": [HOUR]}, headers=staff.headers)
    for response in (made, renamed):
        assert_error(response, 409, "CONFLICT", field="name")
    assert (await everything(), await audited()) == (before, [])


async def test_concurrent_creations_with_one_name_create_one_plan(api: httpx.AsyncClient):
    staff = await colleague()
    answers = await asyncio.gather(*(api.post(PLANS, json=GOLD, headers=staff.headers) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert len(await rows(PlanLimit.objects.filter(plan__name="gold"))) == 2


async def test_the_plan_of_new_accounts_is_neither_renamed_nor_deleted(api: httpx.AsyncClient):
    boss, free = await superuser(), await plan_named("free")
    before = await everything()
    renamed = await api.patch(f"{PLANS}/{free.pk}", json={"name": "gratis"}, headers=boss.headers)
    assert_error(renamed, 409, "PLAN_IS_DEFAULT", field="name")
    assert_error(await api.delete(f"{PLANS}/{free.pk}", headers=boss.headers), 409, "PLAN_IS_DEFAULT")
    assert (await everything(), await audited()) == (before, [])
    same = await api.patch(f"{PLANS}/{free.pk}", json={"name": "free", "rate_limits": [HOUR]}, headers=boss.headers)
    assert (same.status_code, same.json()["rate_limits"]) == (200, [HOUR])


async def test_a_plan_without_accounts_is_deleted(api: httpx.AsyncClient):
    staff, pro = await colleague(), await plan_named("pro")
    response = await api.delete(f"{PLANS}/{pro.pk}", headers=staff.headers)
    assert (response.status_code, response.content) == (204, b"")
    assert await rows(PlanLimit.objects.filter(plan_id=pro.pk)) == []
    for method in ("GET", "DELETE"):
        assert_error(await api.request(method, f"{PLANS}/{pro.pk}", headers=staff.headers), 404, "NOT_FOUND")
    event = await only_event()
    assert (event.action, event.target_id, event.actor_id) == ("plan.deleted", pro.pk, staff.id)
    assert event.before == {
        "name": "pro",
        "api_keys_maximum": None,
        "rate_limits": [MINUTE],
        "features": {},
        "prices": {},
    }


@pytest.mark.parametrize("deleted_at", [None, timezone.now()], ids=["living", "deleted"])
async def test_a_plan_with_accounts_is_not_deleted(api: httpx.AsyncClient, deleted_at):
    staff, pro = await colleague(), await plan_named("pro")
    await make(make_user, plan=pro, deleted_at=deleted_at)
    before = await everything()
    assert_error(await api.delete(f"{PLANS}/{pro.pk}", headers=staff.headers), 409, "PLAN_IN_USE")
    assert (await everything(), await audited()) == (before, [])


async def test_only_staff_change_plans(api: httpx.AsyncClient):
    me, pro, boss = await customer(), await plan_named("pro"), await make(make_staff)
    plain = await make(make_key, boss, scopes=["account:read", "account:write"])
    before = await everything()
    for headers, status, code in (
        (me.headers, 403, "FORBIDDEN"),
        (plain.headers, 403, "INSUFFICIENT_SCOPES"),
        ({}, 401, "NOT_AUTHENTICATED"),
    ):
        for method, path, body in (
            ("POST", "", GOLD),
            ("PATCH", f"/{pro.pk}", {"name": "x"}),
            ("PATCH", f"/{MISSING}", {}),
            ("DELETE", f"/{pro.pk}", None),
        ):
            assert_error(await api.request(method, PLANS + path, json=body, headers=headers), status, code)
    assert (await everything(), await audited()) == (before, [])


async def test_a_key_with_the_scope_of_staff_changes_plans(api: httpx.AsyncClient):
    boss = await make(make_staff)
    key = await make(make_key, boss, scopes=sorted(STAFF_SCOPES))
    assert (await api.post(PLANS, json=GOLD, headers=key.headers)).status_code == 201


async def test_an_unknown_plan_is_not_found(api: httpx.AsyncClient):
    staff = await colleague()
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        response = await api.request(method, f"{PLANS}/{MISSING}", json=body, headers=staff.headers)
        assert_error(response, 404, "NOT_FOUND")
