"""`PATCH /api/v1/users/me` and `/users/{id}`."""

from typing import Any

import httpx
import pytest

from apps.core.authorization.catalogue import STAFF_SCOPES
from apps.plans.services.plan_service import PlanService
from apps.users.models import User
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key
from tests.support.orm import make, rows
from tests.support.second_factors import let_proofs_grow_old

ME = "/api/v1/users/me"
MISSING_PLAN = 2**40


def path_of(account: Account) -> str:
    return f"/api/v1/users/{account.id}"


async def stored(account: Account) -> User:
    (user,) = await rows(User.objects.select_related("plan").filter(pk=account.id))
    return user


async def test_changes_only_the_fields_that_are_sent(api: httpx.AsyncClient):
    me = await customer(full_name="Ann")
    response = await api.patch(ME, json={"username": "Annabelle"}, headers=me.headers)
    assert (response.status_code, response.json()["username"], response.json()["full_name"]) == (
        200,
        "Annabelle",
        "Ann",
    )
    user = await stored(me)
    assert (user.username, user.full_name, user.email) == ("Annabelle", "Ann", me.user.email)
    assert user.updated_at > me.user.updated_at
    assert await audited() == [("user.updated", me.id, me.id)]


async def test_empty_update_changes_nothing(api: httpx.AsyncClient):
    me = await customer()
    assert (await api.patch(ME, json={}, headers=me.headers)).status_code == 200
    user = await stored(me)
    assert (user.email, user.username, user.plan.name) == (me.user.email, me.user.username, "free")


@pytest.mark.parametrize("field", ["email", "username"])
async def test_taken_address_or_user_name_is_rejected_in_any_case(api: httpx.AsyncClient, field: str):
    me, other, staff = await customer(), await customer(), await colleague()
    taken = getattr(other.user, field).upper()
    response = await api.patch(path_of(me), json={field: taken}, headers=staff.headers)
    assert_error(response, 409, "CONFLICT", field=field)
    assert getattr(await stored(me), field) == getattr(me.user, field)
    assert await audited() == []


async def test_owner_changes_the_case_of_their_address(api: httpx.AsyncClient):
    me = await customer(email="ann@example.com")
    response = await api.patch(ME, json={"email": "Ann@example.com"}, headers=me.headers)
    assert (response.status_code, response.json()["email"]) == (200, "Ann@example.com")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"username": "a b"}, "username"),
        ({"full_name": "a\x00"}, "full_name"),
        ({"is_staff": True}, "is_staff"),
        ({"is_superuser": True}, "is_superuser"),
        ({"email_verified_at": "2026-01-01T00:00:00Z"}, "email_verified_at"),
        ({"role": "admin"}, "role"),
        ({"groups": [1]}, "groups"),
        ({"user_permissions": [1]}, "user_permissions"),
        ({"plan_id": 3}, "plan_id"),
        ({"password_hash": "argon2$x"}, "password_hash"),
        ({"locked_until": None}, "locked_until"),
        ({"deleted_at": None}, "deleted_at"),
        ({"sessions_ended_at": None}, "sessions_ended_at"),
        ({"full_name": "Mallory", "is_staff": True}, "is_staff"),
        ({"password": "correct horse battery"}, "password"),
        ({"id": 1}, "id"),
        ({"email": None}, "email"),
    ],
)
async def test_invalid_change_is_rejected(api: httpx.AsyncClient, change: dict[str, Any], field: str):
    me = await customer()
    assert_error(await api.patch(ME, json=change, headers=me.headers), 422, "VALIDATION_FAILED", field=field)
    assert (await stored(me)).updated_at == me.user.updated_at
    assert await audited() == []


@pytest.mark.parametrize("change", [{"plan": "enterprise"}, {"is_active": False}, {"full_name": "x", "plan": "pro"}])
async def test_only_staff_set_plan_and_activity(api: httpx.AsyncClient, change: dict[str, Any]):
    me = await customer()
    for path in (ME, path_of(me)):
        assert_error(await api.patch(path, json=change, headers=me.headers), 403, "FORBIDDEN")
    user = await stored(me)
    assert (user.plan.name, user.is_active, user.full_name) == ("free", True, "")


async def test_staff_set_the_plan_by_name(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    response = await api.patch(path_of(me), json={"plan": "pro"}, headers=staff.headers)
    assert (response.status_code, response.json()["plan"]) == (200, "pro")
    assert (await stored(me)).plan.name == "pro"
    assert await audited() == [("user.plan_changed", me.id, staff.id)]


async def test_unknown_plan_is_rejected(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    response = await api.patch(path_of(me), json={"plan": "gold"}, headers=staff.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field="plan")
    assert (await stored(me)).plan.name == "free"


async def test_plan_that_is_deleted_meanwhile_is_rejected(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    staff, other = await superuser(), await customer()

    async def id_of_a_plan_just_deleted(_self: PlanService, _name: str) -> int:
        return MISSING_PLAN

    monkeypatch.setattr(PlanService, "id_of", id_of_a_plan_just_deleted)
    response = await api.patch(path_of(other), json={"plan": "pro"}, headers=staff.headers)
    assert_error(response, 422, "VALIDATION_FAILED", "plan")
    assert (await stored(other)).plan.name == "free"


async def test_suspension_takes_effect_immediately(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    key = await make(make_key, me.user, scopes=["account:read"])
    response = await api.patch(path_of(me), json={"is_active": False}, headers=staff.headers)
    assert (response.status_code, response.json()["is_active"]) == (200, False)
    for headers in (me.headers, key.headers):
        assert_error(await api.get(ME, headers=headers), 401, "NOT_AUTHENTICATED")
    await api.patch(path_of(me), json={"is_active": True}, headers=staff.headers)
    assert (await api.get(ME, headers=key.headers)).status_code == 200


async def test_account_of_another_customer_is_not_changed(api: httpx.AsyncClient):
    me, other = await customer(), await customer(full_name="Ann")
    response = await api.patch(path_of(other), json={"full_name": "x"}, headers=me.headers)
    assert_error(response, 403, "FORBIDDEN")
    assert (await stored(other)).full_name == "Ann"


async def test_missing_account_is_not_found(api: httpx.AsyncClient):
    staff = await superuser()
    response = await api.patch(f"/api/v1/users/{2**62}", json={"full_name": "x"}, headers=staff.headers)
    assert_error(response, 404, "NOT_FOUND")


@pytest.mark.parametrize("how", ["patch", "delete"])
async def test_staff_do_not_change_other_staff(api: httpx.AsyncClient, how: str):
    staff, boss = await colleague("customers:write"), await superuser(full_name="Boss")
    manager, another = await colleague("customers:write", "staff:manage"), await colleague(full_name="Boss")
    body = {"full_name": "x"} if how == "patch" else None
    for target in (boss, another):
        for caller, code in ((staff, "INSUFFICIENT_SCOPES"), (manager, "FORBIDDEN")):
            assert_error(await api.request(how, path_of(target), headers=caller.headers, json=body), 403, code)
        user = await stored(target)
        assert (user.full_name, user.is_active, user.deleted_at) == ("Boss", True, None)
    assert (await api.patch(path_of(another), json={"full_name": "x"}, headers=boss.headers)).status_code == 200


@pytest.mark.parametrize("change", [{"email": "thief@example.com"}, {"roles": ["service"]}])
async def test_giving_access_needs_a_recently_authenticated_session(api: httpx.AsyncClient, change):
    boss, other = await superuser(), await customer(email="ann@example.com")
    key = await make(make_key, boss.user, scopes=sorted(STAFF_SCOPES))
    assert_error(await api.patch(path_of(other), json=change, headers=key.headers), 403, "FORBIDDEN")
    await let_proofs_grow_old()
    assert_error(await api.patch(path_of(other), json=change, headers=boss.headers), 401, "STEP_UP_REQUIRED")
    shown = (await api.get(path_of(other), headers=boss.headers)).json()
    assert (shown["email"], shown["roles"], await audited()) == ("ann@example.com", [], [])
    for headers in (key.headers, boss.headers):
        assert (await api.patch(path_of(other), json={"full_name": "Ann"}, headers=headers)).status_code == 200


async def test_addresses_of_staff_are_changed_by_those_who_hold_as_much(api: httpx.AsyncClient):
    boss, staff, another = await superuser(), await colleague("customers:write", "staff:manage"), await colleague()
    change = {"email": "new@example.com"}
    assert_error(await api.patch(path_of(another), json=change, headers=staff.headers), 403, "FORBIDDEN")
    assert (await stored(another)).email == another.user.email
    assert (await api.patch(path_of(another), json=change, headers=boss.headers)).status_code == 200


async def test_api_key_changes_its_owner_only_with_the_scope(api: httpx.AsyncClient):
    me = await customer()
    plain, scoped = (
        await make(make_key, me.user),
        await make(make_key, me.user, scopes=["account:read", "account:write"]),
    )
    refused = await api.patch(ME, json={"full_name": "x"}, headers=plain.headers)
    assert_error(refused, 403, "INSUFFICIENT_SCOPES")
    assert (await stored(me)).full_name == ""
    assert (await api.patch(ME, json={"full_name": "y"}, headers=scoped.headers)).json()["full_name"] == "y"
