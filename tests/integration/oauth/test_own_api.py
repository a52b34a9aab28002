"""A client's token on Keyhouse's own API: it is its key, with no more than the token's scopes."""

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
from tests.support.oauth import exchange
from tests.support.orm import make, rows

ME, USERS, VERIFY = "/api/v1/users/me", "/api/v1/users", "/api/v1/keys/verify"


async def forged(token: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a token under our own key that says this instead; None takes a claim away."""
    kid, private = await key_ring().signing_key()
    said = {**jwt.decode(token, options={"verify_signature": False}), **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, private, algorithm="EdDSA", headers={"kid": kid, "typ": "at+jwt", **(header or {})})


async def status_of(api: httpx.AsyncClient, token: str) -> int:
    return (await api.get(ME, headers=bearer(token))).status_code


async def test_it_is_its_key(api: httpx.AsyncClient):
    key = await make(make_key)
    answer = await api.get(ME, headers=bearer(await exchange(api, key)))
    assert (answer.status_code, answer.json()["id"]) == (200, key.row.user_id)


async def test_it_may_do_no_more_than_it_was_given(api: httpx.AsyncClient):
    key = await make(make_key, await make(make_staff), scopes=["keyhouse:account", "keys:verify"])
    plain, verifying = await exchange(api, key), await exchange(api, key, "keys:verify")
    question = {"key": key.secret}
    refused = await api.post(VERIFY, json=question, headers=bearer(plain))
    assert_error(refused, 403, "INSUFFICIENT_SCOPES")
    assert (await api.post(VERIFY, json=question, headers=bearer(verifying))).json()["valid"]
    for token in (plain, verifying):
        answer = await api.patch(ME, json={"full_name": "x"}, headers=bearer(token))
        assert_error(answer, 403, "INSUFFICIENT_SCOPES")
    account = await exchange(api, key, "keyhouse:account")
    assert (await api.patch(ME, json={"full_name": "x"}, headers=bearer(account))).status_code == 200


async def test_it_may_do_no_more_than_its_key_may_by_now(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["keyhouse:account"])
    token = await exchange(api, key, "keyhouse:account")
    await make(ApiKey.objects.filter(pk=key.id).update, scopes=["a:b"])
    answer = await api.patch(ME, json={"full_name": "x"}, headers=bearer(token))
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")


async def test_an_owner_who_is_demoted_takes_the_token_s_rights_along(api: httpx.AsyncClient):
    owner, _ = await make(make_staff), await make(make_user)
    key = await make(make_key, owner, scopes=["keyhouse:staff"])
    token = await exchange(api, key, "keyhouse:staff")
    assert (await api.get(USERS, headers=bearer(token))).json()["total"] == 2
    await make(User.objects.filter(pk=owner.pk).update, is_staff=False, is_superuser=False)
    assert (await api.get(USERS, headers=bearer(token))).json()["total"] == 1


async def test_it_has_no_session(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["keyhouse:account"])
    token = await exchange(api, key, "keyhouse:account")
    assert_error(await api.get("/api/v1/auth/sessions", headers=bearer(token)), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "spoil",
    [
        {"revoked_at": timezone.now()},
        {"is_active": False},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"deleted_at": timezone.now()},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_what_ends_the_key_ends_it_at_once(api: httpx.AsyncClient, spoil: dict[str, Any]):
    key = await make(make_key)
    token = await exchange(api, key)
    await make(ApiKey.objects.filter(pk=key.id).update, **spoil)
    assert await status_of(api, token) == 401


async def test_what_ends_the_secret_ends_it_at_once(api: httpx.AsyncClient):
    key = await make(make_key)
    token = await exchange(api, key)
    await make(ApiKeySecret.objects.update, expires_at=timezone.now())
    assert await status_of(api, token) == 401


async def test_the_key_s_addresses_are_its_own(api: httpx.AsyncClient):
    key = await make(make_key)
    token = await exchange(api, key)
    await make(ApiKey.objects.filter(pk=key.id).update, ip_allowlist=["192.0.2.0/24"])
    assert_error(await api.get(ME, headers=bearer(token)), 403, "FORBIDDEN")


async def test_each_use_counts_against_the_key_s_windows(api: httpx.AsyncClient):
    plan = await make(make_plan, ("minute", 2, 60))
    key = await make(make_key, await make(make_user, plan=plan))
    token = await exchange(api, key)
    answers = [await api.get(ME, headers=bearer(token)) for _ in range(2)]
    assert (answers[0].status_code, answers[0].headers["x-ratelimit-remaining"]) == (200, "0")
    assert_error(answers[1], 429, "RATE_LIMITED")


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
async def test_a_token_of_ours_that_says_something_else(api: httpx.AsyncClient, claims: dict[str, Any]):
    key = await make(make_key)
    token = await exchange(api, key)
    header: dict[str, Any] = {name: claims[name] for name in ("typ", "alg", "jku") if name in claims}
    said = {name: value for name, value in claims.items() if name not in header}
    if header.get("alg") == "none":
        payload = jwt.decode(token, options={"verify_signature": False})
        forgery = jwt.encode(payload, "", algorithm="none", headers={"typ": "at+jwt"})
    else:
        forgery = await forged(token, header, **said)
    assert await status_of(api, await forged(token)) == 200  # so that what follows fails for its own reason
    before = await rows(ApiKeyCounter.objects.all())
    assert_error(await api.get(ME, headers=bearer(forgery)), 401, "NOT_AUTHENTICATED")
    assert [row.windows for row in await rows(ApiKeyCounter.objects.all())] == [row.windows for row in before]


async def test_a_token_under_another_key(api: httpx.AsyncClient):
    token = await exchange(api, await make(make_key))
    foreign = Ed25519PrivateKey.generate()
    header = jwt.get_unverified_header(token)
    payload = jwt.decode(token, options={"verify_signature": False})
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(foreign.public_key(), as_dict=True)
    for more in ({}, {"jwk": jwk}, {"jku": "https://evil.example.com"}):
        assert await status_of(api, jwt.encode(payload, foreign, "EdDSA", headers={**header, **more})) == 401


async def test_no_token_is_a_session_s_and_a_key_s(api: httpx.AsyncClient):
    key, me = await make(make_key), await customer()
    of_client = await exchange(api, key)
    of_session = me.headers["Authorization"].removeprefix("Bearer ")
    sid = jwt.decode(of_session, options={"verify_signature": False})["sid"]
    client: dict[str, Any] = {"client_id": str(key.id), "secret_id": 1, "scope": "keyhouse:staff", "jti": "x"}
    both = [await forged(of_client, sid=sid), await forged(of_client, sid=0), await forged(of_session, **client)]
    for token, session, is_key_s in (
        (of_client, None, True), (of_session, sid, False), *((token, None, False) for token in both)
    ):  # fmt: skip
        read = await access_tokens().read(token)
        assert (read.session_id if read else None) == session
        assert (await client_tokens().read(token) is not None) == is_key_s
    assert [await status_of(api, token) for token in both] == [401] * 3


async def test_the_issuer_of_before_is_believed_no_more(api: httpx.AsyncClient):
    me = await customer()
    old = await forged(me.headers["Authorization"].removeprefix("Bearer "), iss="keyhouse")
    assert settings.TOKEN_ISSUER != "keyhouse"
    assert_error(await api.get(ME, headers=bearer(old)), 401, "NOT_AUTHENTICATED")
