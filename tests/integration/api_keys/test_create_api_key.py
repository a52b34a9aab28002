"""`POST /api/v1/api-keys` and `/users/{id}/api-keys`."""

import asyncio
import re
from hashlib import sha256
from typing import Any

import httpx
import pytest

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.audit.models import AuditEvent
from apps.plans.models import Plan
from tests.support.accounts import Account, audited, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import give_scopes, make_key
from tests.support.orm import make, rows
from tests.support.second_factors import let_proofs_grow_old

KEYS = "/api/v1/api-keys"
WHOLE = {
    "name": "Reports",
    "description": "reads reports",
    "environment": "test",
    "scopes": ["reports:read", "reports:*"],
    "expires_at": "2099-01-02T03:04:05Z",
    "ip_allowlist": ["192.0.2.0/24", "2001:db8::/32"],
    "metadata": {"team": "é", "n": [1, 2.5, None]},
}


def of_user(account: Account) -> str:
    return f"/api/v1/users/{account.id}/api-keys"


async def test_a_key_is_created_and_its_secret_shown_once(api: httpx.AsyncClient):
    me = await customer()
    response = await api.post(KEYS, json=WHOLE, headers=me.headers)
    made = response.json()
    assert response.status_code == 201
    assert {name: made[name] for name in WHOLE} == WHOLE
    assert re.fullmatch(r"sk_test_[0-9A-Za-z]{38}", made["api_key"])
    assert (made["prefix"], made["user_id"], made["is_active"]) == (made["api_key"][:12], me.id, True)
    assert (made["revoked_at"], made["last_used_at"]) == (None, None)
    again = await api.get(f"{KEYS}/{made['id']}", headers=me.headers)
    assert again.json() == {name: value for name, value in made.items() if name != "api_key"}


async def test_no_secret_is_stored(api: httpx.AsyncClient):
    me = await customer()
    made = (await api.post(KEYS, json=WHOLE, headers=me.headers)).json()
    (secret,), (event,) = await rows(ApiKeySecret.objects.all()), await rows(AuditEvent.objects.all())
    assert bytes(secret.digest) == sha256(made["api_key"].encode()).digest()
    assert (secret.prefix, secret.expires_at) == (made["api_key"][:12], None)
    assert (event.action, event.target_id, event.actor_id) == ("api_key.created", made["id"], me.id)
    (key,) = await rows(ApiKey.objects.all())
    assert made["api_key"] not in repr([vars(secret), vars(event), vars(key)])


async def test_a_new_key_works_at_once(api: httpx.AsyncClient):
    me = await customer()
    made = (await api.post(KEYS, json={"name": "k", "scopes": ["account:read"]}, headers=me.headers)).json()
    response = await api.get("/api/v1/users/me", headers={"X-API-Key": made["api_key"]})
    assert (response.status_code, response.json()["id"]) == (200, me.id)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"environment": "prod"}, "environment"),
        ({"scopes": ["a b"]}, "scopes.0"),
        ({"scopes": ["ok", "*"]}, "scopes.1"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": 4_000_000_000}, "expires_at"),
        ({"ip_allowlist": ["nowhere"]}, "ip_allowlist.0"),
        ({"metadata": {"a": "\x00"}}, "metadata"),
        ({"metadata": {"a": 1e30}}, "metadata"),
        ({"metadata": {"a": "x" * 5000}}, "metadata"),
        ({"user_id": 1}, "user_id"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_malformed_keys_are_rejected(api: httpx.AsyncClient, change: dict[str, Any], field: str):
    me = await customer()
    response = await api.post(KEYS, json={"name": "k", **change}, headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field=field)
    assert await rows(ApiKey.objects.all()) == []


async def test_metadata_is_returned_as_sent(api: httpx.AsyncClient):
    me = await customer()
    nested: dict[str, Any] = {}
    for _ in range(31):
        nested = {"a": nested}
    metadata = {"top": 2**64 - 1, "low": -(2**63), "float": 1.5e18, "tiny": 5e-324, "text": r"\u0000"}
    for given in (metadata, nested):
        made = await api.post(KEYS, json={"name": "k", "metadata": given}, headers=me.headers)
        assert (made.status_code, made.json()["metadata"]) == (201, given)
    assert (await api.get(KEYS, headers=me.headers)).json()["total"] == 2


@pytest.mark.parametrize("scope", ["keys:verify", "credits:*", "account:read", "account:write"])
async def test_owners_grant_declared_scopes_that_they_hold_once_they_have_authenticated(
    api: httpx.AsyncClient, scope: str
):
    me, new = await customer(), {"name": "k", "scopes": ["mine", scope]}
    await make(give_scopes, me.user, "keys:verify", "credits:hold")
    key = await make(make_key, me.user, scopes=["account:write", "keys:verify", "credits:*", "credits:hold", "mine"])
    refused = await api.post(KEYS, json=new, headers=key.headers)
    assert refused.status_code == 403
    assert (await api.post(KEYS, json=new, headers=me.headers)).status_code == 201
    await let_proofs_grow_old()
    assert_error(await api.post(KEYS, json=new, headers=me.headers), 401, "STEP_UP_REQUIRED")
    assert (await api.post(KEYS, json={"name": "k", "scopes": ["mine"]}, headers=me.headers)).status_code == 201


@pytest.mark.parametrize("scope", ["keys:verify", "credits:*", "customers:read"])
async def test_declared_scopes_that_the_caller_lacks_are_not_granted(api: httpx.AsyncClient, scope: str):
    me = await customer()
    refused = await api.post(KEYS, json={"name": "k", "scopes": ["mine", scope]}, headers=me.headers)
    assert_error(refused, 403, "FORBIDDEN", field="scopes")
    assert await rows(ApiKey.objects.all()) == []


async def test_a_key_creates_keys_with_the_scope_and_its_own_scopes_only(api: httpx.AsyncClient):
    me = await customer()
    plain = await make(make_key, me.user, scopes=["a"])
    scoped = await make(make_key, me.user, scopes=["account:read", "account:write", "a:*"])
    assert_error(await api.post(KEYS, json={"name": "k"}, headers=plain.headers), 403, "INSUFFICIENT_SCOPES")
    stronger = await api.post(KEYS, json={"name": "k", "scopes": ["b"]}, headers=scoped.headers)
    assert_error(stronger, 403, "INSUFFICIENT_SCOPES")
    assert len(await rows(ApiKey.objects.all())) == 2
    response = await api.post(KEYS, json={"name": "k", "scopes": ["a:b"]}, headers=scoped.headers)
    assert response.status_code == 201


async def test_only_staff_create_keys_for_others(api: httpx.AsyncClient):
    me, other, staff = await customer(), await customer(), await colleague()
    assert_error(await api.post(of_user(other), json={"name": "k"}, headers=me.headers), 403, "FORBIDDEN")
    missing = await api.post(f"/api/v1/users/{2**62}/api-keys", json={"name": "k"}, headers=staff.headers)
    assert_error(missing, 404, "NOT_FOUND")
    assert await rows(ApiKey.objects.all()) == []
    response = await api.post(of_user(other), json={"name": "k"}, headers=staff.headers)
    assert (response.status_code, response.json()["user_id"]) == (201, other.id)
    assert await audited() == [("api_key.created", response.json()["id"], staff.id)]


async def test_staff_may_not_create_keys_of_superusers(api: httpx.AsyncClient):
    staff, boss = await colleague(), await superuser()
    wish = {"name": "k", "scopes": ["customers:read"]}
    assert_error(await api.post(of_user(boss), json=wish, headers=staff.headers), 403, "FORBIDDEN")
    assert await rows(ApiKey.objects.all()) == []
    key = await make(make_key, boss.user)
    for path in (f"{KEYS}/{key.id}/rotate", f"{KEYS}/{key.id}/revoke"):
        assert_error(await api.post(path, headers=staff.headers), 403, "FORBIDDEN")
    assert len(await rows(ApiKeySecret.objects.all())) == 1


async def _limited(maximum: int) -> Account:
    """Return a customer on a plan that allows so many keys."""
    await make(Plan.objects.filter(name="free").update, api_keys_maximum=maximum)
    return await customer()


async def test_a_plan_limits_the_number_of_keys_that_are_not_revoked(api: httpx.AsyncClient):
    me = await _limited(2)
    made = [(await api.post(KEYS, json={"name": "k"}, headers=me.headers)).json()["id"] for _ in range(2)]
    assert_error(await api.post(KEYS, json={"name": "k"}, headers=me.headers), 409, "API_KEY_LIMIT_REACHED")
    assert len(await rows(ApiKey.objects.all())) == 2
    await api.post(f"{KEYS}/{made[0]}/revoke", headers=me.headers)
    assert (await api.post(KEYS, json={"name": "k"}, headers=me.headers)).status_code == 201
    await api.delete(f"{KEYS}/{made[1]}", headers=me.headers)
    assert (await api.post(KEYS, json={"name": "k"}, headers=me.headers)).status_code == 201
    assert_error(await api.post(KEYS, json={"name": "k"}, headers=me.headers), 409, "API_KEY_LIMIT_REACHED")


async def test_concurrent_creations_do_not_exceed_the_plan(api: httpx.AsyncClient):
    me, other = await _limited(3), await customer()
    wishes = [api.post(KEYS, json={"name": "k"}, headers=account.headers) for account in (me, other) for _ in range(12)]
    statuses = [answer.status_code for answer in await asyncio.gather(*wishes)]
    assert sorted(statuses[:12]) == sorted(statuses[12:]) == [201] * 3 + [409] * 9
    for account in (me, other):
        assert len(await rows(ApiKey.objects.filter(user_id=account.id))) == 3
    assert len(await audited()) == 6
