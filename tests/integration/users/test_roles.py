"""`/api/v1/roles` and `/api/v1/scopes`."""

from typing import Any

import httpx
import pytest

from apps.audit.models import AuditEvent
from apps.core.authorization.catalogue import CATALOGUE, STAFF_SCOPES
from apps.users.models import Role, RoleScope
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_bare_key, make_colleague, make_key, make_role, make_user
from tests.support.orm import make, rows
from tests.support.second_factors import let_proofs_grow_old

ROLES, SCOPES = "/api/v1/roles", "/api/v1/scopes"
SEEDED = ["service", "credit-service", "support", "finance", "operations", "auditor", "administrator"]
WHOLE = {"name": "helpers", "scopes": ["credits:hold", "keys:verify"]}


async def given() -> dict[str, list[str]]:
    """Return the roles that no migration made, and what they give."""
    found = await rows(Role.objects.exclude(name__in=SEEDED).prefetch_related("scopes").order_by("id"))
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
    assert (answer["total"], answer["pages"]) == (len(CATALOGUE), 2)
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
    assert await given() == {"helpers": WHOLE["scopes"]}
    assert await audited() == [("role.created", made["id"], boss.id)]
    assert ((await last_event()).before, (await last_event()).after) == ({}, WHOLE)
    assert (await api.get(f"{ROLES}/{made['id']}", headers=boss.headers)).json() == made


async def test_lists_roles_to_staff(api: httpx.AsyncClient):
    staff = await colleague()
    answer = (await api.get(f"{ROLES}?size=1", headers=staff.headers)).json()
    assert [role["name"] for role in answer["items"]] == ["service"]
    assert (answer["total"], answer["items"][0]["scopes"]) == (len(SEEDED) + 1, ["keys:verify"])
    assert_error(await api.get(ROLES, headers=(await colleague("customers:read")).headers), 403, "INSUFFICIENT_SCOPES")


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({"scopes": ["keys:verify"]}, {"scopes": WHOLE["scopes"]}),
        ({"scopes": []}, {"scopes": WHOLE["scopes"]}),
        ({"name": "others"}, {"name": "helpers"}),
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
    assert await given() == {}
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
        ({"scopes": ["account:write"]}, "scopes"),
        ({"scopes": ["account:read", "account:write"]}, "scopes"),
        ({"scopes": ["keys:*"]}, "scopes"),
        ({"scopes": ["reports:read"]}, "scopes"),
        ({"scopes": "keys:verify"}, "scopes"),
        ({"permissions": []}, "permissions"),
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
    assert await given() == {role.name: ["keys:verify"]}
    assert await audited() == []


async def test_taken_name_is_rejected(api: httpx.AsyncClient):
    boss, role = await superuser(), await make(make_role)
    for answer in (
        await api.post(ROLES, json={"name": "service"}, headers=boss.headers),
        await api.patch(f"{ROLES}/{role.pk}", json={"name": "service"}, headers=boss.headers),
    ):
        assert_error(answer, 409, "CONFLICT", field="name")
    assert await audited() == []


@pytest.mark.parametrize(
    ("who", "code"), [("customer", "FORBIDDEN"), ("colleague", "INSUFFICIENT_SCOPES"), ("key", "INSUFFICIENT_SCOPES")]
)
async def test_roles_are_for_those_who_manage_staff(api: httpx.AsyncClient, who: str, code: str):
    role, staff = await make(make_role), await colleague("staff:read", "customers:write")
    headers = {
        "customer": (await customer()).headers,
        "colleague": staff.headers,
        "key": (await make(make_key, staff.user, scopes=["staff:read", "customers:write"])).headers,
    }[who]
    for method, path, body in (
        ("POST", ROLES, WHOLE),
        ("PATCH", f"{ROLES}/{role.pk}", {"scopes": ["keys:verify"]}),
        ("DELETE", f"{ROLES}/{role.pk}", None),
        ("PATCH", "/api/v1/users/me", {"roles": [role.name]}),
        ("PATCH", f"/api/v1/users/{(await customer()).id}", {"roles": [role.name]}),
    ):
        assert_error(await api.request(method, path, json=body, headers=headers), 403, code)
    assert (await given())[role.name] == []
    assert await rows(Role.objects.filter(user__isnull=False, pk=role.pk)) == []
    assert await audited() == []


MANAGER = ("staff:read", "staff:manage", "customers:read", "keys:read")


async def test_nobody_gives_a_role_what_they_lack(api: httpx.AsyncClient):
    manager = await colleague(*MANAGER)
    made = await api.post(ROLES, json={"name": "a", "scopes": ["keys:read"]}, headers=manager.headers)
    assert made.status_code == 201
    own, (administrator,) = f"{ROLES}/{made.json()['id']}", await rows(Role.objects.filter(name="administrator"))
    for method, path, body in (
        ("POST", ROLES, {"name": "b", "scopes": ["keys:read", "credits:grant"]}),
        ("PATCH", own, {"scopes": ["keys:read", "keys:write"]}),
        ("PATCH", f"{ROLES}/{administrator.pk}", {"name": "b"}),
        ("DELETE", f"{ROLES}/{administrator.pk}", None),
    ):
        assert_error(await api.request(method, path, json=body, headers=manager.headers), 403, "FORBIDDEN")
    assert (await api.patch(own, json={"scopes": ["customers:read"]}, headers=manager.headers)).status_code == 200


async def test_nobody_gives_an_account_what_they_lack(api: httpx.AsyncClient):
    manager, me = await colleague(*MANAGER), await customer()
    staff = await make(make_colleague, "keys:read")
    path = "/api/v1/users/{}"
    for account_id, roles, status in (
        (me.id, ["finance"], 200),  # without effect: the account is no member of staff
        (me.id, ["service"], 403),
        (staff.pk, ["finance"], 403),
        (staff.pk, [], 200),
        (manager.id, [], 403),
    ):
        answer = await api.patch(path.format(account_id), json={"roles": roles}, headers=manager.headers)
        assert answer.status_code == status, answer.text
    boss = await superuser()
    own = await api.patch("/api/v1/users/me", json={"roles": ["service"]}, headers=boss.headers)
    assert_error(own, 403, "FORBIDDEN")


async def test_nobody_changes_a_role_of_their_own(api: httpx.AsyncClient):
    manager = await colleague(*MANAGER)
    (role,) = await rows(Role.objects.filter(user=manager.user))
    for method, body in (("PATCH", {"scopes": ["staff:manage"]}), ("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = await api.request(method, f"{ROLES}/{role.pk}", json=body, headers=manager.headers)
        assert_error(answer, 403, "FORBIDDEN")
    assert len(await rows(RoleScope.objects.filter(role=role))) == len(MANAGER)


async def test_changing_a_role_needs_a_recently_authenticated_session(api: httpx.AsyncClient):
    boss, role = await superuser(), await make(make_role, "keys:verify")
    key = await make(make_key, boss.user, scopes=sorted(STAFF_SCOPES))
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
    helpers = await make_whole(api, boss)
    path = f"/api/v1/users/{me.id}"
    for roles, before in (
        (["helpers", "service", "helpers"], []),
        (["helpers"], ["helpers", "service"]),
        ([], ["helpers"]),
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
    assert helpers["name"] in await given()


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
    await make(RoleScope.objects.create, role=role, scope="gone:scope")
    await make(me.user.groups.add, role)
    key = await make(make_bare_key, me.user, scopes=["gone:scope", "staff:read"])
    assert_error(await api.get(ROLES, headers=key.headers), 403, "FORBIDDEN")
    assert_error(await api.get(ROLES, headers=me.headers), 403, "FORBIDDEN")
