"""A client token never allows more than the owner of its key holds now."""

import httpx
import pytest

from apps.users.models import User
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, make_key, make_role, make_user
from tests.support.forgery import bearer
from tests.support.oauth import GRANT, OAUTH, assert_oauth_error, client_of, exchange, introspect
from tests.support.orm import make

VERIFY = "/api/v1/keys/verify"
BOTH = ["keys:verify", "tokens:introspect"]


async def privileged_key(*scopes: str) -> tuple[User, IssuedKey]:
    """Return a customer with a role that gives both scopes, and a key of this customer."""
    owner, role = await make(make_user), await make(make_role, *BOTH)
    await make(owner.groups.add, role)
    return owner, await make(make_key, owner, scopes=list(scopes))


@pytest.mark.parametrize("scopes", [BOTH, ["keys:*", "tokens:*"]])
async def test_token_loses_scopes_with_its_owner_at_once(api: httpx.AsyncClient, scopes: list[str]):
    (owner, key), other = await privileged_key(*scopes), await make(make_key)
    token = await exchange(api, key, " ".join(BOTH))
    query = {"key": other.secret}
    assert (await api.post(VERIFY, json=query, headers=bearer(token))).json()["valid"]
    assert (await introspect(api, key, token))["scope"] == " ".join(BOTH)
    assert (await introspect(api, key, other.secret))["active"]
    await make(owner.groups.clear)
    assert_error(await api.post(VERIFY, json=query, headers=bearer(token)), 403, "INSUFFICIENT_SCOPES")
    assert (await introspect(api, key, token))["scope"] == ""
    assert await introspect(api, key, other.secret) == {"active": False}
    answer = await api.post(f"{OAUTH}/introspect", data={"token": other.secret}, headers=bearer(token))
    assert answer.json() == {"active": False}


@pytest.mark.parametrize("scopes", [BOTH, ["keys:*", "tokens:*"]])
async def test_scopes_the_owner_does_not_hold_are_refused(api: httpx.AsyncClient, scopes: list[str]):
    owner, key = await privileged_key(*scopes)
    await make(owner.groups.clear)
    answer = await api.post(f"{OAUTH}/token", data={**GRANT, "scope": "keys:verify"}, auth=client_of(key))
    assert_oauth_error(answer, 400, "invalid_scope")


async def test_wildcard_grants_no_declared_scope(api: httpx.AsyncClient):
    _, key = await privileged_key("keys:*", "tokens:*")
    token = await exchange(api, key, "keys:*")
    assert (await introspect(api, key, token))["scope"] == "keys:*"
    answer = await api.post(VERIFY, json={"key": key.secret}, headers=bearer(token))
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")
