"""A key is granted a declared scope only where its owner and the actor hold it."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.users.models import Role, RoleScope
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, give_scopes, make_bare_key, make_key, make_service_key, make_user
from tests.support.orm import make, rows

KEYS, VERIFY = "/api/v1/api-keys", "/api/v1/keys/verify"
NEEDS_SERVICE = "The owner needs a role with the scope keys:verify: administrator or service."
NEEDS_HOLDER = "The owner needs a role with the scope credits:hold: administrator or credit-service."
ONLY_STAFF = "The owner must be a member of staff with a role with the scope staff:manage: administrator."


@pytest.mark.parametrize(
    ("scopes", "reasons"),
    [
        (["keys:verify"], [NEEDS_SERVICE]),
        (["mine", "keys:*", "credits:*"], [NEEDS_SERVICE, NEEDS_HOLDER]),
        (["staff:manage"], [ONLY_STAFF]),
        (["tokens:introspect"], ["The owner needs a role with the scope tokens:introspect: administrator."]),
    ],
)
async def test_scopes_that_the_owner_does_not_hold_are_refused(
    api: httpx.AsyncClient, scopes: list[str], reasons: list[str]
):
    me, staff = await customer(), await superuser()
    key: IssuedKey = await make(make_key, me.user, scopes=["mine"])
    for answer in (
        await api.post(f"/api/v1/users/{me.id}/api-keys", json={"name": "k", "scopes": scopes}, headers=staff.headers),
        await api.patch(f"{KEYS}/{key.id}", json={"scopes": scopes}, headers=staff.headers),
    ):
        assert_error(answer, 422, "VALIDATION_FAILED")
        details = answer.json()["error"]["details"]
        assert details == [{"field": "scopes", "message": reason} for reason in reasons]
    assert [row.scopes for row in await rows(ApiKey.objects.all())] == [["mine"]]
    assert await audited() == []


@pytest.mark.parametrize("scopes", [["keys:verify"], ["keys:*", "mine"], ["credits:hold", "account:read"]])
async def test_scopes_that_the_owner_holds_are_granted(api: httpx.AsyncClient, scopes: list[str]):
    me, staff = await customer(), await colleague()
    await make(give_scopes, me.user, "keys:verify", "credits:hold")
    path = f"/api/v1/users/{me.id}/api-keys"
    made = await api.post(path, json={"name": "k", "scopes": scopes}, headers=staff.headers)
    assert (made.status_code, made.json()["withheld_scopes"]) == (201, [])
    assert set(scopes) <= set(made.json()["scopes"])
    (row,) = await rows(ApiKey.objects.all())
    assert row.scopes == scopes


async def test_withheld_scopes_may_stay_on_a_key(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague()
    key: IssuedKey = await make(make_bare_key, me.user, scopes=["keys:verify"])
    answer = await api.patch(f"{KEYS}/{key.id}", json={"scopes": ["keys:verify", "mine"]}, headers=staff.headers)
    assert (answer.status_code, answer.json()["scopes"], answer.json()["withheld_scopes"]) == (
        200,
        ["mine"],
        ["keys:verify"],
    )


async def test_a_key_may_not_grant_scopes_that_are_withheld_from_it(api: httpx.AsyncClient):
    me = await customer()
    key: IssuedKey = await make(make_bare_key, me.user, scopes=["account:read", "account:write", "keys:verify"])
    refused = await api.post(KEYS, json={"name": "k", "scopes": ["keys:verify"]}, headers=key.headers)
    assert_error(refused, 403, "INSUFFICIENT_SCOPES")
    # Nor does it get hold, by a rotation, of what may do more than it may now.
    rotated = await api.post(f"{KEYS}/{key.id}/rotate", headers=key.headers)
    assert_error(rotated, 403, "INSUFFICIENT_SCOPES")
    assert len(await rows(ApiKey.objects.all())) == 1


async def test_a_wildcard_does_not_become_a_scope_of_keyhouse(api: httpx.AsyncClient):
    """`credits:*` is the customer's own; `credits:grant` in its place is a right, though the wildcard covers it."""
    staff = await colleague("credits:grant")
    key: IssuedKey = await make(make_key, staff.user, scopes=["account:write", "account:*", "credits:*"])
    await make(Session.objects.filter(user=staff.user).update, authenticated_at=timezone.now() - timedelta(hours=1))
    for scope in ("account:read", "credits:grant"):
        wish = {"scopes": ["account:write", scope]}
        by_key = await api.patch(f"{KEYS}/{key.id}", json=wish, headers=key.headers)
        assert_error(by_key, 403, "FORBIDDEN", field="scopes")
        by_session = await api.patch(f"{KEYS}/{key.id}", json=wish, headers=staff.headers)
        assert_error(by_session, 401, "STEP_UP_REQUIRED")
    assert [row.scopes for row in await rows(ApiKey.objects.all())] == [["account:write", "account:*", "credits:*"]]


async def test_a_grant_that_races_a_demotion_gives_no_rights(api: httpx.AsyncClient):
    boss, staff, asked = await superuser(), await colleague(), await make(make_key)
    for _ in range(8):
        me = await make(make_user)
        await make(me.groups.add, (await rows(Role.objects.filter(name="service")))[0])
        key: IssuedKey = await make(make_key, me)
        granted, taken = await asyncio.gather(
            api.patch(f"{KEYS}/{key.id}", json={"scopes": ["keys:verify"]}, headers=staff.headers),
            api.patch(f"/api/v1/users/{me.pk}", json={"roles": []}, headers=boss.headers),
        )
        assert (taken.status_code, granted.status_code in {200, 422}) == (200, True)
        answer = await api.post(VERIFY, json={"key": asked.secret}, headers=key.headers)
        assert_error(answer, 403, "INSUFFICIENT_SCOPES")


async def test_calls_after_a_demotion_are_refused(api: httpx.AsyncClient):
    boss, asked, service = await superuser(), await make(make_key), await make(make_service_key)
    is_taken = False
    late: list[int] = []

    async def call() -> None:
        while True:
            began_late = is_taken
            answer = await api.post(VERIFY, json={"key": asked.secret}, headers=service.headers)
            if began_late:
                late.append(answer.status_code)
                return

    async def take() -> None:
        nonlocal is_taken
        await asyncio.sleep(0.05)
        path = f"/api/v1/users/{service.row.user_id}"
        assert (await api.patch(path, json={"roles": []}, headers=boss.headers)).status_code == 200
        is_taken = True

    await asyncio.gather(take(), *(call() for _ in range(8)))
    assert late == [403] * 8


async def test_concurrent_changes_of_roles_leave_one_set_and_a_complete_trail(api: httpx.AsyncClient):
    bosses = [await superuser() for _ in range(2)]
    me = await customer()
    wishes = [["service"], ["credit-service"], ["credit-service", "service"], []] * 4
    answers = await asyncio.gather(*(_set_roles(api, bosses[n % 2], me, roles) for n, roles in enumerate(wishes)))
    assert {answer.status_code for answer in answers} == {200}
    events = await rows(AuditEvent.objects.filter(action="user.updated", target_id=me.id).order_by("id"))
    assert len(events) == len(wishes)
    for before, after in pairwise(events):
        assert after.before == before.after
    had = sorted(role.name for role in await rows(Role.objects.filter(user=me.user)))
    assert {"roles": had} == events[-1].after


async def test_a_role_that_is_deleted_while_it_is_given(api: httpx.AsyncClient):
    boss, other, me = await superuser(), await superuser(), await customer()
    for number in range(8):
        made = (await api.post("/api/v1/roles", json={"name": f"r{number}"}, headers=boss.headers)).json()
        deleted, given = await asyncio.gather(
            api.delete(f"/api/v1/roles/{made['id']}", headers=boss.headers),
            _set_roles(api, other, me, [made["name"]]),
        )
        assert (deleted.status_code, given.status_code) in {(204, 422), (409, 200)}
        has = [role.name for role in await rows(Role.objects.filter(user=me.user, name=made["name"]))]
        assert has == ([made["name"]] if given.status_code == 200 else [])


async def test_concurrent_changes_of_a_roles_scopes_leave_one_set(api: httpx.AsyncClient):
    boss = await superuser()
    role = (await api.post("/api/v1/roles", json={"name": "r"}, headers=boss.headers)).json()
    wishes = [["keys:verify"], ["credits:hold"], ["credits:hold", "keys:verify"], []] * 3
    path = f"/api/v1/roles/{role['id']}"
    answers = await asyncio.gather(*(api.patch(path, json={"scopes": each}, headers=boss.headers) for each in wishes))
    assert [answer.json()["scopes"] for answer in answers] == wishes
    left = sorted(row.scope for row in await rows(RoleScope.objects.filter(role_id=role["id"])))
    assert left in wishes


async def _set_roles(api: httpx.AsyncClient, boss: Account, me: Account, roles: list[str]) -> httpx.Response:
    return await api.patch(f"/api/v1/users/{me.id}", json={"roles": roles}, headers=boss.headers)
