"""A client token at Keyhouse's own API: it acts as its key, with the scopes of the token at most."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret
from apps.authentication.dependencies import access_tokens, key_ring
from apps.oauth.dependencies import client_tokens
from apps.users.models import User
from tests.support.accounts import customer
from tests.support.assertions import assert_error
from tests.support.factories import make_key, make_plan, make_staff, make_user
from tests.support.forgery import bearer
from tests.support.oauth import OAUTH, exchange
from tests.support.orm import make, rows

ME, USERS, VERIFY = "/api/v1/users/me", "/api/v1/users", "/api/v1/keys/verify"


async def forged(token: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a token signed by our own key with these claims changed; None removes a claim."""
    kid, private = await key_ring().signing_key()
    changed = {**jwt.decode(token, options={"verify_signature": False}), **claims}
    changed = {name: value for name, value in changed.items() if value is not None}
    return jwt.encode(changed, private, algorithm="EdDSA", headers={"kid": kid, "typ": "at+jwt", **(header or {})})


async def status_of(api: httpx.AsyncClient, token: str) -> int:
    return (await api.get(ME, headers=bearer(token))).status_code


async def test_token_acts_as_its_key(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["account:read"])
    response = await api.get(ME, headers=bearer(await exchange(api, key, "account:read")))
    assert (response.status_code, response.json()["id"]) == (200, key.row.user_id)


async def test_token_has_only_its_own_scopes(api: httpx.AsyncClient):
    key = await make(make_key, await make(make_staff), scopes=["account:read", "account:write", "keys:verify"])
    plain, verifying = await exchange(api, key), await exchange(api, key, "keys:verify")
    query = {"key": key.secret}
    refused = await api.post(VERIFY, json=query, headers=bearer(plain))
    assert_error(refused, 403, "INSUFFICIENT_SCOPES")
    assert (await api.post(VERIFY, json=query, headers=bearer(verifying))).json()["valid"]
    for token in (plain, verifying):
        response = await api.patch(ME, json={"full_name": "x"}, headers=bearer(token))
        assert_error(response, 403, "INSUFFICIENT_SCOPES")
    account = await exchange(api, key, "account:write")
    assert (await api.patch(ME, json={"full_name": "x"}, headers=bearer(account))).status_code == 200


async def test_token_has_only_the_current_scopes_of_its_key(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["account:read", "account:write"])
    token = await exchange(api, key, "account:read account:write")
    await make(ApiKey.objects.filter(pk=key.id).update, scopes=["a:b"])
    response = await api.patch(ME, json={"full_name": "x"}, headers=bearer(token))
    assert_error(response, 403, "INSUFFICIENT_SCOPES")


async def test_token_loses_rights_with_its_owner(api: httpx.AsyncClient):
    owner, _ = await make(make_staff), await make(make_user)
    key = await make(make_key, owner, scopes=["account:read", "customers:read"])
    token = await exchange(api, key, "account:read customers:read")
    assert (await api.get(USERS, headers=bearer(token))).json()["total"] == 2
    await make(User.objects.filter(pk=owner.pk).update, is_staff=False, is_superuser=False)
    assert (await api.get(USERS, headers=bearer(token))).json()["total"] == 1


async def test_token_has_no_session(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["account:read", "account:write"])
    token = await exchange(api, key, "account:read account:write")
    assert_error(await api.get("/api/v1/auth/sessions", headers=bearer(token)), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "changes",
    [
        {"revoked_at": timezone.now()},
        {"is_active": False},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"deleted_at": timezone.now()},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_token_ends_with_its_key(api: httpx.AsyncClient, changes: dict[str, Any]):
    key = await make(make_key)
    token = await exchange(api, key)
    await make(ApiKey.objects.filter(pk=key.id).update, **changes)
    assert await status_of(api, token) == 401


async def test_token_ends_with_its_secret(api: httpx.AsyncClient):
    key = await make(make_key)
    token = await exchange(api, key)
    await make(ApiKeySecret.objects.update, expires_at=timezone.now())
    assert await status_of(api, token) == 401


async def test_token_has_the_address_restrictions_of_its_key(api: httpx.AsyncClient):
    key = await make(make_key)
    token = await exchange(api, key)
    await make(ApiKey.objects.filter(pk=key.id).update, ip_allowlist=["192.0.2.0/24"])
    assert_error(await api.get(ME, headers=bearer(token)), 403, "FORBIDDEN")


async def test_introspecting_caller_is_not_counted_and_may_call_from_its_keys_addresses(api: httpx.AsyncClient):
    user = await make(make_staff, plan=await make(make_plan, ("minute", 1, 60)))
    caller = await make(make_key, user, scopes=["tokens:introspect"], ip_allowlist=["127.0.0.1"])
    token = await exchange(api, caller, "tokens:introspect")  # the one call of the minute
    other = await make(make_key)
    for _ in range(2):
        response = await api.post(f"{OAUTH}/introspect", data={"token": other.secret}, headers=bearer(token))
        assert (response.status_code, response.json()["active"]) == (200, True)


async def test_each_use_counts_against_the_rate_limit(api: httpx.AsyncClient):
    plan = await make(make_plan, ("minute", 2, 60))
    key = await make(make_key, await make(make_user, plan=plan), scopes=["account:read"])
    token = await exchange(api, key, "account:read")
    responses = [await api.get(ME, headers=bearer(token)) for _ in range(2)]
    assert (responses[0].status_code, responses[0].headers["x-ratelimit-remaining"]) == (200, "0")
    assert_error(responses[1], 429, "RATE_LIMITED")


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "id+jwt"},
        {"jku": "https://evil.example.com"},
        {"alg": "none"},
        {"iss": "http://elsewhere"},
        {"aud": "elsewhere"},
        {"exp": 1},
        {"client_id": "0"},
        {"client_id": "me"},
        {"client_id": ["1"]},
        {"secret_id": 2**62},
        {"secret_id": 2**80},
        {"secret_id": "x"},
        {"scope": 5},
        *[{name: None} for name in ("iss", "aud", "exp", "iat", "sub", "client_id", "secret_id", "scope", "jti")],
    ],
    ids=repr,
)
async def test_signed_token_with_wrong_claims_is_refused(api: httpx.AsyncClient, claims: dict[str, Any]):
    key = await make(make_key, scopes=["account:read"])
    token = await exchange(api, key, "account:read")
    header: dict[str, Any] = {name: claims[name] for name in ("typ", "alg", "jku") if name in claims}
    changed = {name: value for name, value in claims.items() if name not in header}
    if header.get("alg") == "none":
        payload = jwt.decode(token, options={"verify_signature": False})
        forgery = jwt.encode(payload, "", algorithm="none", headers={"typ": "at+jwt"})
    else:
        forgery = await forged(token, header, **changed)
    assert await status_of(api, await forged(token)) == 200  # so that what follows fails for its own reason
    before = await rows(ApiKeyCounter.objects.all())
    assert_error(await api.get(ME, headers=bearer(forgery)), 401, "NOT_AUTHENTICATED")
    assert [bytes(row.entries) for row in await rows(ApiKeyCounter.objects.all())] == [
        bytes(row.entries) for row in before
    ]


async def test_token_signed_by_another_key_is_refused(api: httpx.AsyncClient):
    token = await exchange(api, await make(make_key))
    foreign = Ed25519PrivateKey.generate()
    header = jwt.get_unverified_header(token)
    payload = jwt.decode(token, options={"verify_signature": False})
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(foreign.public_key(), as_dict=True)
    for more in ({}, {"jwk": jwk}, {"jku": "https://evil.example.com"}):
        assert await status_of(api, jwt.encode(payload, foreign, "EdDSA", headers={**header, **more})) == 401


async def test_token_is_never_session_token_and_key(api: httpx.AsyncClient):
    key, me = await make(make_key), await customer()
    client_token = await exchange(api, key)
    session_token = me.headers["Authorization"].removeprefix("Bearer ")
    sid = jwt.decode(session_token, options={"verify_signature": False})["sid"]
    client: dict[str, Any] = {"client_id": str(key.id), "secret_id": 1, "scope": "customers:read", "jti": "x"}
    both = [
        await forged(client_token, sid=sid),
        await forged(client_token, sid=0),
        await forged(session_token, **client),
    ]
    for token, session, is_of_key in (
        (client_token, None, True), (session_token, sid, False), *((token, None, False) for token in both)
    ):  # fmt: skip
        read = await access_tokens().read(token)
        assert (read.session_id if read else None) == session
        assert (await client_tokens().read(token) is not None) == is_of_key
    assert [await status_of(api, token) for token in both] == [401] * 3


async def test_former_issuer_is_refused(api: httpx.AsyncClient):
    me = await customer()
    old = await forged(me.headers["Authorization"].removeprefix("Bearer "), iss="keyhouse")
    assert settings.TOKEN_ISSUER != "keyhouse"
    assert_error(await api.get(ME, headers=bearer(old)), 401, "NOT_AUTHENTICATED")
