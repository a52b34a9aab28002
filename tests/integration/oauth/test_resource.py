"""Tokens for other services than Keyhouse: `resource` (RFC 8707)."""

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from apps.oauth import dependencies
from tests.support.assertions import assert_challenge, assert_error
from tests.support.factories import IssuedKey, make_key
from tests.support.forgery import bearer
from tests.support.oauth import GRANT, OAUTH, assert_oauth_error, client_of, introspect
from tests.support.orm import make

ME = "/api/v1/users/me"
IMAGES, REPORTS = "https://images.example.com/api", "urn:example:reports"


@pytest.fixture(autouse=True)
def _resources(settings: Any) -> Iterator[None]:
    settings.TOKEN_RESOURCES = frozenset({IMAGES, REPORTS})
    _clear_caches()
    yield
    _clear_caches()


def _clear_caches() -> None:
    for dependency in vars(dependencies).values():
        if hasattr(dependency, "cache_clear") and dependency.__module__ == dependencies.__name__:
            dependency.cache_clear()


async def token_for(api: httpx.AsyncClient, key: IssuedKey, **form: Any) -> httpx.Response:
    return await api.post(f"{OAUTH}/token", data={**GRANT, **form}, auth=client_of(key))


def audience_of(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return jwt.decode(response.json()["access_token"], options={"verify_signature": False})["aud"]


async def test_token_is_for_the_requested_resource(api: httpx.AsyncClient, settings: Any):
    key = await make(make_key, scopes=["images:read"])
    for resource in (IMAGES, REPORTS):
        assert audience_of(await token_for(api, key, resource=resource)) == resource
    for own in ({}, {"resource": ""}, {"resource": settings.PUBLIC_URL}, {"resource": settings.TOKEN_AUDIENCE}):
        assert audience_of(await token_for(api, key, **own)) == settings.TOKEN_AUDIENCE


@pytest.mark.parametrize(
    "resource",
    ["https://elsewhere.example.com", f"{IMAGES}/", f"{IMAGES}#x", "x", "URN:example:reports", [IMAGES, REPORTS]],
)
async def test_other_resource_is_refused(api: httpx.AsyncClient, resource: Any):
    key = await make(make_key, scopes=["images:read"])
    assert_oauth_error(await token_for(api, key, resource=resource), 400, "invalid_target")


async def test_other_repeated_parameter_is_malformed(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["images:read"])
    form = {"resource": [IMAGES, REPORTS], "scope": ["images:read", "images:read"]}
    assert_oauth_error(await token_for(api, key, **form), 400, "invalid_request")


async def test_token_for_another_resource_is_no_credential_here(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["account:read", "tokens:introspect"])
    own = (await token_for(api, key, scope="account:read")).json()["access_token"]
    other = (await token_for(api, key, scope="account:read", resource=IMAGES)).json()["access_token"]
    assert (await api.get(ME, headers=bearer(own))).status_code == 200
    refused = await api.get(ME, headers=bearer(other))
    assert_error(refused, 401, "NOT_AUTHENTICATED")
    assert_challenge(refused, error="invalid_token")
    introspected = await api.post(f"{OAUTH}/introspect", data={"token": own}, headers=bearer(other))
    assert_oauth_error(introspected, 401, "invalid_token")


async def test_token_for_another_resource_is_introspected_and_revoked(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["images:read"])
    token = (await token_for(api, key, resource=IMAGES)).json()["access_token"]
    described = await introspect(api, key, token)
    assert (described["active"], described["aud"], described["scope"]) == (True, IMAGES, "images:read")
    assert (await api.post(f"{OAUTH}/revoke", data={"token": token}, auth=client_of(key))).status_code == 200
    assert await introspect(api, key, token) == {"active": False}
