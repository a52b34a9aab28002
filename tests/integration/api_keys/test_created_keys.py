"""What an API key creates has its bounds, and is revoked with it."""

import asyncio
from contextvars import copy_context
from decimal import Decimal
from typing import Any

import httpx
import pytest

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.api_keys.repositories.api_key_repository import ApiKeyRepository
from apps.audit.models import AuditEvent
from apps.core.database.transaction import transaction
from apps.credits.dependencies import balances
from tests.support.accounts import Account, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, give_credits, make_key, make_service_key
from tests.support.forgery import bearer
from tests.support.oauth import exchange
from tests.support.orm import make, rows, until_a_lock_is_awaited

KEYS, VERIFY = "/api/v1/api-keys", "/api/v1/keys/verify"
ACCOUNT = ["account:read", "account:write", "mine:*"]
END = "2999-01-01T00:00:00Z"


async def key_of(me: Account, **fields: Any) -> IssuedKey:
    key: IssuedKey = await make(make_key, me.user, **{"scopes": ACCOUNT, **fields})
    return key


async def create(api: httpx.AsyncClient, creator: IssuedKey, **fields: Any) -> dict[str, Any]:
    made = await api.post(KEYS, json={"name": "k", **fields}, headers=creator.headers)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def revoked() -> set[int]:
    return {key.pk for key in await rows(ApiKey.objects.filter(revoked_at__isnull=False))}


async def test_a_created_key_is_bounded_and_names_its_creator(api: httpx.AsyncClient):
    me = await customer()
    creator = await key_of(me, ip_allowlist=["127.0.0.0/8"], expires_at=END, budget=Decimal(10))
    await make(ApiKeyCounter.objects.filter(pk=creator.id).update, budget_spent=Decimal(4))
    made = await create(api, creator, budget="2.5")
    assert {name: made[name] for name in ("parent_id", "ip_allowlist", "expires_at", "budget")} == {
        "parent_id": creator.id, "ip_allowlist": ["127.0.0.0/8"], "expires_at": END, "budget": "2.500000",
    }  # fmt: skip
    rest = await create(api, creator)
    assert rest["budget"] == "3.500000"
    (row,) = await rows(ApiKey.objects.filter(pk=creator.id))
    assert row.budget == 4  # what it has spent: the rest is its keys'
    event = (await rows(AuditEvent.objects.filter(action="api_key.created").order_by("id")))[0]
    assert (event.target_id, event.after["parent_id"]) == (made["id"], creator.id)


async def test_a_created_key_has_the_environment_of_its_creator(api: httpx.AsyncClient):
    creator = await key_of(await customer(), environment="test")
    made = await create(api, creator)
    assert (made["environment"], made["prefix"][:8]) == ("test", "sk_test_")
    refused = await api.post(KEYS, json={"name": "k", "environment": "live"}, headers=creator.headers)
    assert_error(refused, 403, "FORBIDDEN", field="environment")


async def test_a_session_creates_keys_without_a_creator(api: httpx.AsyncClient):
    me = await customer()
    made = await api.post(KEYS, json={"name": "k", "budget": "5"}, headers=me.headers)
    assert (made.json()["parent_id"], made.json()["budget"]) == (None, "5.000000")


@pytest.mark.parametrize(
    ("field", "value"),
    [("ip_allowlist", ["0.0.0.0/0"]), ("expires_at", "2999-01-02T00:00:00Z"), ("budget", "10.1")],
)
async def test_a_created_key_does_not_exceed_its_creator(api: httpx.AsyncClient, field: str, value: Any):
    creator = await key_of(await customer(), ip_allowlist=["127.0.0.0/8"], expires_at=END, budget=Decimal(10))
    refused = await api.post(KEYS, json={"name": "k", field: value}, headers=creator.headers)
    assert_error(refused, 403, "FORBIDDEN", field=field)
    assert len(await rows(ApiKey.objects.all())) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ip_allowlist", []),
        ("expires_at", None),
        ("budget", None),
        ("budget", "11"),
        ("scopes", [*ACCOUNT, "other"]),
        ("rate_limits", []),
    ],
)
@pytest.mark.parametrize("whose", ["its own", "another's"])
async def test_a_key_loosens_no_bounds(api: httpx.AsyncClient, whose: str, field: str, value: Any):
    me = await customer()
    bounds: dict[str, Any] = {"ip_allowlist": ["127.0.0.0/8"], "expires_at": END, "budget": Decimal(10)}
    bounded, free = await key_of(me, **bounds), await key_of(me)
    caller = bounded if whose == "its own" else free
    refused = await api.patch(f"{KEYS}/{bounded.id}", json={field: value}, headers=caller.headers)
    assert_error(refused, 403, "FORBIDDEN", field=field)
    (row,) = await rows(ApiKey.objects.filter(pk=bounded.id))
    assert (row.ip_allowlist, row.budget, row.scopes) == (["127.0.0.0/8"], Decimal(10), ACCOUNT)
    if field != "rate_limits":
        assert (await api.patch(f"{KEYS}/{bounded.id}", json={field: value}, headers=me.headers)).status_code == 200


async def test_created_keys_are_revoked_with_their_creator(api: httpx.AsyncClient):
    me = await customer()
    creator, other = await key_of(me), await key_of(me)
    child = await create(api, creator, scopes=["mine:a"])
    parent = await key_of(me)
    await make(ApiKey.objects.filter(pk=parent.id).update, parent_id=creator.id)
    grandchild = await create(api, parent)
    assert (await api.post(f"{KEYS}/{creator.id}/revoke", headers=me.headers)).status_code == 200
    assert await revoked() == {creator.id, child["id"], parent.id, grandchild["id"]}
    assert other.id not in await revoked()
    shown = (await api.get(f"{KEYS}/{child['id']}", headers=me.headers)).json()
    assert shown["revoked_reason"] == "The key that created it was revoked."
    events = await rows(AuditEvent.objects.filter(action="api_key.revoked"))
    assert {event.target_id for event in events} == await revoked()
    refused = await api.post(KEYS, json={"name": "k"}, headers=parent.headers)
    assert_error(refused, 401, "NOT_AUTHENTICATED")


async def test_created_keys_are_revoked_when_their_creator_is_deleted(api: httpx.AsyncClient):
    me = await customer()
    creator = await key_of(me)
    child = await create(api, creator)
    assert (await api.delete(f"{KEYS}/{creator.id}", headers=me.headers)).status_code == 204
    assert await revoked() == {child["id"]}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_keys_of_a_deleted_account_can_be_stopped_with_what_they_have_created(
    api: httpx.AsyncClient, method: str
):
    """What they have created in other accounts can still be used; they themselves cannot."""
    boss, programmer, me = await superuser(), await colleague("keys:read", "keys:write"), await customer()
    creator = await key_of(programmer, scopes=[*ACCOUNT, "keys:read", "keys:write"])
    made = await api.post(f"/api/v1/users/{me.id}/api-keys", json={"name": "k"}, headers=creator.headers)
    child, headers = made.json(), {"X-API-Key": made.json()["api_key"]}
    assert (await api.delete(f"/api/v1/users/{programmer.id}", headers=boss.headers)).status_code == 204
    assert_error(await api.get(KEYS, headers=creator.headers), 401, "NOT_AUTHENTICATED")
    assert_error(await api.get(KEYS, headers=headers), 403, "INSUFFICIENT_SCOPES")  # it is valid
    path = f"{KEYS}/{creator.id}"
    for other in (me, await colleague("keys:read", "keys:write")):
        refused = await api.post(f"{path}/revoke", headers=other.headers)
        assert refused.status_code == 403, refused.text
    stopped = await api.request(method, f"{path}/revoke" if method == "POST" else path, headers=boss.headers)
    assert stopped.status_code in {200, 204}, stopped.text
    assert child["id"] in await revoked()
    assert_error(await api.get(KEYS, headers=headers), 401, "NOT_AUTHENTICATED")
    for change in (
        api.patch(path, json={"name": "n"}, headers=boss.headers),
        api.post(f"{path}/rotate", headers=boss.headers),
    ):
        assert (await change).status_code == 404


async def test_only_a_session_keeps_created_keys(api: httpx.AsyncClient):
    me = await customer()
    creator = await key_of(me)
    child = await create(api, creator)
    path, keeping = f"{KEYS}/{creator.id}/revoke", {"keep_created_keys": True}
    assert_error(await api.post(path, json=keeping, headers=creator.headers), 403, "FORBIDDEN")
    assert await revoked() == set()
    assert (await api.post(path, json=keeping, headers=me.headers)).status_code == 200
    assert await revoked() == {creator.id}
    assert (await api.post(path, headers=me.headers)).status_code == 200  # later, they are revoked after all
    assert await revoked() == {creator.id, child["id"]}


async def test_a_key_of_staff_creates_bounded_keys_for_customers(api: httpx.AsyncClient):
    me, staff = await customer(), await colleague("keys:read", "keys:write")
    creator: IssuedKey = await make(
        make_key, staff.user, scopes=["keys:write", "mine:*"], expires_at=END, ip_allowlist=["127.0.0.0/8"]
    )
    path = f"/api/v1/users/{me.id}/api-keys"
    for scope in ("other", "account:read", "keys:verify", "keys:write"):
        refused = await api.post(path, json={"name": "k", "scopes": [scope]}, headers=creator.headers)
        assert refused.status_code == 403, refused.text
    made = (await api.post(path, json={"name": "k", "scopes": ["mine:a"]}, headers=creator.headers)).json()
    assert (made["user_id"], made["parent_id"], made["expires_at"]) == (me.id, creator.id, END)
    assert (await api.post(f"{KEYS}/{creator.id}/revoke", headers=staff.headers)).status_code == 200
    assert await revoked() == {creator.id, made["id"]}


@pytest.mark.parametrize(
    ("field", "value"), [("ip_allowlist", []), ("expires_at", None), ("budget", None), ("name", "as narrow as before")]
)
async def test_a_key_rotates_no_key_that_has_become_wider(api: httpx.AsyncClient, field: str, value: Any):
    me = await customer()
    creator = await key_of(me, ip_allowlist=["127.0.0.0/8"], expires_at=END, budget=Decimal(10))
    child = await create(api, creator, budget="4")
    path = f"{KEYS}/{child['id']}"
    assert (await api.patch(path, json={field: value}, headers=me.headers)).status_code == 200
    rotated = await api.post(f"{path}/rotate", headers=creator.headers)
    if field == "name":
        assert rotated.status_code == 200
    else:
        assert_error(rotated, 403, "FORBIDDEN", field=field)


async def test_a_key_that_is_created_while_its_creator_is_revoked_does_not_survive(api: httpx.AsyncClient):
    me = await customer()
    for _ in range(8):
        creator = await key_of(me)
        made, stopped = await asyncio.gather(
            api.post(KEYS, json={"name": "k"}, headers=creator.headers),
            api.post(f"{KEYS}/{creator.id}/revoke", headers=me.headers),
        )
        assert (stopped.status_code, made.status_code in {201, 401, 409}) == (200, True)
    assert await rows(ApiKey.objects.filter(revoked_at=None)) == []


async def test_a_key_rotates_only_itself_and_what_it_has_created(api: httpx.AsyncClient):
    me = await customer()
    bounded, free = await key_of(me, budget=Decimal(1)), await key_of(me)
    child = await create(api, bounded, scopes=["mine:a"])
    refused = await api.post(f"{KEYS}/{free.id}/rotate", headers=bounded.headers)
    assert_error(refused, 403, "FORBIDDEN")
    for key_id in (child["id"], bounded.id):
        assert (await api.post(f"{KEYS}/{key_id}/rotate", headers=bounded.headers)).status_code == 200


@pytest.mark.parametrize("how", ["token", "replaced secret"])
async def test_what_expires_before_its_key_makes_no_new_secret(api: httpx.AsyncClient, how: str):
    """A stolen token would otherwise become permanent, and a secret that leaked would survive its own rotation."""
    me = await customer()
    key = await key_of(me)
    child, headers, newest = await create(api, key), key.headers, key.secret
    if how == "token":
        headers = bearer(await exchange(api, key, " ".join(ACCOUNT)))
    else:
        grace = {"grace_seconds": 600}
        newest = (await api.post(f"{KEYS}/{key.id}/rotate", json=grace, headers=me.headers)).json()["api_key"]
    for path in (KEYS, f"{KEYS}/{key.id}/rotate", f"{KEYS}/{child['id']}/rotate"):
        refused = await api.post(path, json={"name": "k"} if path == KEYS else {}, headers=headers)
        assert_error(refused, 403, "FORBIDDEN")
    assert (await api.get(f"{KEYS}/{key.id}", headers=headers)).status_code == 200
    assert (await api.post(KEYS, json={"name": "k"}, headers={"X-API-Key": newest})).status_code == 201


async def test_a_call_that_waits_for_a_creation_spends_only_what_is_left(api: httpx.AsyncClient):
    """A batch that began before the creation committed has read the creator's row as it was."""
    me, service = await customer(), await make(make_service_key)
    await make(give_credits, me.user, 100)
    creator = await key_of(me, budget=Decimal(10))
    query, outside = {"key": creator.secret, "cost": "10"}, copy_context()
    async with transaction():
        keys = ApiKeyRepository()
        row = await keys.lock(creator.id)
        await balances().lock(me.user.pk)
        assert await keys.lock_budget_spent(row) == 0
        await keys.update(row, budget=Decimal(3))
        call = asyncio.create_task(api.post(VERIFY, json=query, headers=service.headers), context=outside)
        await until_a_lock_is_awaited()
    assert (await call).json()["code"] == "INSUFFICIENT_CREDITS"
    left = (await api.post(VERIFY, json={**query, "cost": "3"}, headers=service.headers)).json()
    assert left["code"] == "VALID"


async def test_concurrent_creations_share_one_budget(api: httpx.AsyncClient):
    me = await customer()
    creator = await key_of(me, budget=Decimal(5))
    answers = await asyncio.gather(
        *(api.post(KEYS, json={"name": "k", "budget": "2"}, headers=creator.headers) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [403] * 4
    assert sum(key.budget or 0 for key in await rows(ApiKey.objects.all())) == 5
