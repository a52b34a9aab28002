"""`/api/v1/roles` and `/api/v1/scopes`."""

from typing import Any

import httpx
import pytest

from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import CATALOGUE
from apps.users.models import Role, RoleScope
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_role, make_user
from tests.support.orm import make, rows
from tests.support.second_factors import let_proofs_grow_old

ROLES, SCOPES = "/api/v1/roles", "/api/v1/scopes"
SEEDED = {"service": ["keys:verify"], "credit-service": ["credits:hold"]}
WHOLE = {
    "name": "support",
    "scopes": ["credits:hold", "keys:verify"],
    "permissions": ["api_keys.view_apikey", "users.view_user"],
}


async def given() -> dict[str, list[str]]:
    """Return the roles and what they give."""
    found = await rows(Role.objects.prefetch_related("scopes").order_by("id"))
    return {role.name: sorted(scope.scope for scope in role.scopes.all()) for role in found}


async def make_whole(api: httpx.AsyncClient, boss: Account) -> dict[str, Any]:
    made = await api.post(ROLES, json=WHOLE, headers=boss.headers)
    assert made.status_code == 201, made.text
    role: dict[str, Any] = made.json()
    return role


async def last_event() -> AuditEvent:
    return (await rows(AuditEvent.objects.order_by("id")))[-1]


async def test_lists_the_catalogue_of_scopes(api: httpx.AsyncClient):
    me = await customer()
    answer = (await api.get(SCOPES, headers=me.headers)).json()
    assert (answer["total"], answer["pages"]) == (len(CATALOGUE), 1)
    assert answer["items"][2] == {
        "name": "keys:verify",
        "description": "Verify API keys. A valid call consumes rate limits and credits.",
        "held_by": "roles",
    }
    second = (await api.get(f"{SCOPES}?page=2&size=2", headers=me.headers)).json()
    assert [scope["name"] for scope in second["items"]] == list(CATALOGUE)[2:4]
    assert_error(await api.get(SCOPES), 401, "NOT_AUTHENTICATED")


async def test_creates_a_role(api: httpx.AsyncClient):
    boss = await superuser()
    made = await make_whole(api, boss)
    assert {name: made[name] for name in WHOLE} == WHOLE
    assert await given() == {**SEEDED, "support": WHOLE["scopes"]}
    assert await audited() == [("role.created", made["id"], boss.id)]
    assert ((await last_event()).before, (await last_event()).after) == ({}, WHOLE)
    assert (await api.get(f"{ROLES}/{made['id']}", headers=boss.headers)).json() == made


async def test_lists_roles_to_staff(api: httpx.AsyncClient):
    staff = await colleague()
    answer = (await api.get(f"{ROLES}?size=1", headers=staff.headers)).json()
    assert [role["name"] for role in answer["items"]] == ["service"]
    assert (answer["total"], answer["items"][0]["scopes"], answer["items"][0]["permissions"]) == (
        2,
        ["keys:verify"],
        [],
    )


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({"scopes": ["keys:verify"]}, {"scopes": WHOLE["scopes"]}),
        ({"scopes": []}, {"scopes": WHOLE["scopes"]}),
        ({"name": "helpers", "permissions": []}, {"name": "support", "permissions": WHOLE["permissions"]}),
        ({"permissions": ["plans.change_plan"]}, {"permissions": WHOLE["permissions"]}),
    ],
)
async def test_changes_only_the_fields_that_are_sent(api: httpx.AsyncClient, changes: dict, before: dict):
    boss = await superuser()
    made = await make_whole(api, boss)
    answer = await api.patch(f"{ROLES}/{made['id']}", json=changes, headers=boss.headers)
    assert (answer.status_code, answer.json()) == (200, {**made, **changes})
    event = await last_event()
    assert (event.action, event.target_id, event.before, event.after) == ("role.updated", made["id"], before, changes)


async def test_deletes_an_unused_role(api: httpx.AsyncClient):
    boss = await superuser()
    made = await make_whole(api, boss)
    assert (await api.delete(f"{ROLES}/{made['id']}", headers=boss.headers)).status_code == 204
    assert await given() == SEEDED
    event = await last_event()
    assert (event.action, event.target_id, event.before, event.after) == ("role.deleted", made["id"], WHOLE, {})
    assert_error(await api.get(f"{ROLES}/{made['id']}", headers=boss.headers), 404, "NOT_FOUND")


async def test_role_in_use_is_not_deleted(api: httpx.AsyncClient):
    boss, role, gone, me = await superuser(), await make(make_role), await customer(), await customer()
    await make(role.user_set.set, [gone.user, me.user])
    assert (await api.delete(f"/api/v1/users/{gone.id}", headers=boss.headers)).status_code == 204
    assert_error(await api.delete(f"{ROLES}/{role.pk}", headers=boss.headers), 409, "ROLE_IN_USE")
    assert role.name in await given()
    await api.patch(f"/api/v1/users/{me.id}", json={"roles": []}, headers=boss.headers)
    assert (await api.delete(f"{ROLES}/{role.pk}", headers=boss.headers)).status_code == 204


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"scopes": ["keyhouse:staff"]}, "scopes"),
        ({"scopes": ["keyhouse:account"]}, "scopes"),
        ({"scopes": ["keys:*"]}, "scopes"),
        ({"scopes": ["reports:read"]}, "scopes"),
        ({"scopes": "keys:verify"}, "scopes"),
        ({"permissions": ["api_keys.fly"]}, "permissions"),
        ({"permissions": ["auth.change_group"]}, "permissions"),
        ({"permissions": ["view_apikey"]}, "permissions"),
        ({"permissions": ["a\x00b"]}, "permissions"),
        ({"id": 5}, "id"),
    ],
)
async def test_invalid_role_is_rejected(api: httpx.AsyncClient, wrong: dict, field: str):
    boss, role = await superuser(), await make(make_role, "keys:verify")
    for answer in (
        await api.post(ROLES, json={**WHOLE, **wrong}, headers=boss.headers),
        await api.patch(f"{ROLES}/{role.pk}", json=wrong, headers=boss.headers),
    ):
        assert_error(answer, 422, "VALIDATION_FAILED")
        assert any(detail["field"].startswith(field) for detail in answer.json()["error"]["details"])
    assert await given() == {**SEEDED, role.name: ["keys:verify"]}
    assert await audited() == []


async def test_taken_name_is_rejected(api: httpx.AsyncClient):
    boss, role = await superuser(), await make(make_role)
    for answer in (
        await api.post(ROLES, json={"name": "service"}, headers=boss.headers),
        await api.patch(f"{ROLES}/{role.pk}", json={"name": "service"}, headers=boss.headers),
    ):
        assert_error(answer, 409, "CONFLICT", field="name")
    assert await audited() == []


@pytest.mark.parametrize("who", ["customer", "colleague", "key of a colleague", "plain key of a superuser"])
async def test_only_superusers_change_roles(api: httpx.AsyncClient, who: str):
    role, boss, staff = await make(make_role), await superuser(), await colleague()
    headers = {
        "customer": (await customer()).headers,
        "colleague": staff.headers,
        "key of a colleague": (await make(make_key, staff.user, scopes=["keyhouse:staff"])).headers,
        "plain key of a superuser": (await make(make_key, boss.user, scopes=["keyhouse:account"])).headers,
    }[who]
    for method, path, body in (
        ("POST", ROLES, WHOLE),
        ("PATCH", f"{ROLES}/{role.pk}", {"scopes": ["keys:verify"]}),
        ("DELETE", f"{ROLES}/{role.pk}", None),
        ("PATCH", "/api/v1/users/me", {"roles": [role.name]}),
        ("PATCH", f"/api/v1/users/{(await customer()).id}", {"roles": [role.name]}),
    ):
        assert_error(await api.request(method, path, json=body, headers=headers), 403, "FORBIDDEN")
    assert await given() == {**SEEDED, role.name: []}
    assert await rows(Role.objects.filter(user__isnull=False)) == []
    assert await audited() == []


async def test_changing_a_role_needs_a_recently_authenticated_session(api: httpx.AsyncClient):
    boss, role = await superuser(), await make(make_role, "keys:verify")
    key = await make(make_key, boss.user, scopes=["keyhouse:staff"])
    path, change = f"{ROLES}/{role.pk}", {"scopes": ["credits:hold"]}
    assert_error(await api.patch(path, json=change, headers=key.headers), 403, "FORBIDDEN")
    await let_proofs_grow_old()
    assert_error(await api.patch(path, json=change, headers=boss.headers), 401, "STEP_UP_REQUIRED")
    assert (await api.get(path, headers=boss.headers)).json()["scopes"] == ["keys:verify"]
    assert await audited() == []


async def test_customers_do_not_read_roles(api: httpx.AsyncClient):
    me, role = await customer(), await make(make_role)
    for path in (ROLES, f"{ROLES}/{role.pk}", f"{ROLES}/{2**62}"):
        assert_error(await api.get(path, headers=me.headers), 403, "FORBIDDEN")
    boss = await superuser()
    for method in ("GET", "PATCH", "DELETE"):
        missing = await api.request(method, f"{ROLES}/{2**62}", json={}, headers=boss.headers)
        assert_error(missing, 404, "NOT_FOUND")


async def test_superuser_gives_and_removes_roles(api: httpx.AsyncClient):
    boss, me = await superuser(), await customer()
    support = await make_whole(api, boss)
    path = f"/api/v1/users/{me.id}"
    for roles, before in (
        (["support", "service", "support"], []),
        (["support"], ["service", "support"]),
        ([], ["support"]),
    ):
        answer = await api.patch(path, json={"roles": roles}, headers=boss.headers)
        after = sorted(set(roles))
        assert (answer.status_code, answer.json()["roles"]) == (200, after)
        assert (await api.get("/api/v1/users/me", headers=me.headers)).json()["roles"] == after
        event = await last_event()
        assert (event.action, event.target_id, event.actor_id) == ("user.updated", me.id, boss.id)
        assert (event.before, event.after) == ({"roles": before}, {"roles": after})
    listed = (await api.get(f"/api/v1/users?search={me.user.email}", headers=boss.headers)).json()
    assert listed["items"][0]["roles"] == []
    assert support["name"] in await given()


async def test_unknown_role_is_rejected_and_nothing_changes(api: httpx.AsyncClient):
    boss, me = await superuser(), await make(make_user)
    answer = await api.patch(
        f"/api/v1/users/{me.pk}", json={"roles": ["service", "nobody"], "full_name": "x"}, headers=boss.headers
    )
    assert_error(answer, 422, "VALIDATION_FAILED", field="roles")
    assert "nobody" in answer.json()["error"]["details"][0]["message"]
    assert await rows(Role.objects.filter(user=me)) == []
    assert await audited() == []


async def test_undeclared_scope_gives_nothing(api: httpx.AsyncClient):
    role, me = await make(make_role), await customer()
    await make(RoleScope.objects.create, role=role, scope="keyhouse:staff")
    await make(me.user.groups.add, role)
    key = await make(make_key, me.user, scopes=["keyhouse:staff"])
    assert_error(await api.get(ROLES, headers=key.headers), 403, "FORBIDDEN")
    assert_error(await api.get(ROLES, headers=me.headers), 403, "FORBIDDEN")
