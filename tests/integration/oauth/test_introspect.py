"""`POST /api/v1/oauth/introspect`."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret
from apps.api_keys.services.key_format import generate_key
from apps.authentication.models import Session
from apps.usage.models import UsageDenial, UsageRecord
from apps.users.models import User
from tests.support.accounts import audited, customer
from tests.support.factories import PASSWORD, IssuedKey, add_secret, make_key, make_plan, make_staff, make_user
from tests.support.forgery import bearer
from tests.support.oauth import OAUTH, assert_oauth_error, client_of, exchange, introspect
from tests.support.orm import make, rows

INTROSPECT = f"{OAUTH}/introspect"
INACTIVE = {"active": False}


async def introspecting_key() -> IssuedKey:
    """Return the key of a service that may introspect any token."""
    key: IssuedKey = await make(make_key, await make(make_staff), scopes=["tokens:introspect"])
    return key


async def sign_in(api: httpx.AsyncClient, user: User) -> dict[str, str]:
    response = await api.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    pair: dict[str, str] = response.json()
    return pair


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def test_client_token_is_described(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key, scopes=["a:b", "c"])
    token = await exchange(api, key, "c")
    claims = claims_of(token)
    assert await introspect(api, caller, token) == {
        "active": True, "scope": "c", "client_id": str(key.id), "token_type": "Bearer", "sub": str(key.row.user_id),
        "iss": settings.TOKEN_ISSUER, "aud": "keyhouse", **{name: claims[name] for name in ("exp", "iat", "jti")},
    }  # fmt: skip


async def test_access_token_of_session_is_described(api: httpx.AsyncClient):
    caller, user = await introspecting_key(), await make(make_user, PASSWORD)
    pair = await sign_in(api, user)
    claims = claims_of(pair["access_token"])
    described = await introspect(api, caller, pair["access_token"])
    assert described == {
        "active": True, "scope": "account:read account:write", "token_type": "Bearer", "sub": str(user.pk),
        "amr": ["pwd"], "client_id": "session",
        "iss": settings.TOKEN_ISSUER, "aud": "keyhouse",
        **{name: claims[name] for name in ("exp", "iat", "jti", "auth_time")},
    }  # fmt: skip


async def test_refresh_token_is_described_without_being_spent(api: httpx.AsyncClient):
    caller, user = await introspecting_key(), await make(make_user, PASSWORD)
    first = await sign_in(api, user)
    described = await introspect(api, caller, first["refresh_token"])
    assert set(described) == {"active", "client_id", "token_type", "sub", "iss", "aud", "iat", "exp"}
    assert (described["active"], described["token_type"], described["sub"]) == (True, "refresh_token", str(user.pk))
    assert described["aud"] == described["iss"] == settings.TOKEN_ISSUER
    assert described["exp"] - described["iat"] == 30 * 24 * 3600
    second = await api.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert await introspect(api, caller, first["refresh_token"]) == INACTIVE
    assert (await introspect(api, caller, second.json()["refresh_token"]))["active"]
    (session,) = await rows(Session.objects.all())
    assert (session.generation, session.revoked_at) == (1, None)


async def test_api_key_is_described_without_being_counted(api: httpx.AsyncClient):
    caller = await introspecting_key()
    plan = await make(make_plan, ("minute", 1, 60))
    end = timezone.now() + timedelta(days=1)
    key = await make(make_key, await make(make_user, plan=plan), scopes=["c", "a:b"], expires_at=end)
    for _ in range(3):
        assert await introspect(api, caller, key.secret) == {
            "active": True, "scope": "a:b c", "client_id": str(key.id), "token_type": "Bearer",
            "sub": str(key.row.user_id), "iss": settings.TOKEN_ISSUER, "aud": "keyhouse", "exp": int(end.timestamp()),
        }  # fmt: skip
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (bytes(counter.entries), counter.last_used_at) == (b"", None)
    assert (await rows(UsageRecord.objects.all()), await rows(UsageDenial.objects.all())) == ([], [])


async def test_rate_limited_key_is_active(api: httpx.AsyncClient):
    caller = await introspecting_key()
    plan = await make(make_plan, ("minute", 1, 60))
    key = await make(make_key, await make(make_user, plan=plan))
    token = await exchange(api, key)
    assert [(await introspect(api, caller, one))["active"] for one in (key.secret, token)] == [True, True]


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
async def test_tokens_end_with_their_key(api: httpx.AsyncClient, changes: dict[str, Any]):
    caller, key = await introspecting_key(), await make(make_key)
    token = await exchange(api, key)
    await make(ApiKey.objects.filter(pk=key.id).update, **changes)
    assert [await introspect(api, caller, one) for one in (key.secret, token)] == [INACTIVE, INACTIVE]


async def test_suspended_owner_ends_every_token(api: httpx.AsyncClient):
    caller, user = await introspecting_key(), await make(make_user, PASSWORD)
    key = await make(make_key, user)
    pair, token = await sign_in(api, user), await exchange(api, key)
    await make(User.objects.filter(pk=user.pk).update, is_active=False)
    tokens = (pair["access_token"], pair["refresh_token"], token, key.secret)
    assert [await introspect(api, caller, one) for one in tokens] == [INACTIVE] * 4


async def test_tokens_of_signed_out_session_are_inactive(api: httpx.AsyncClient):
    caller, user = await introspecting_key(), await make(make_user, PASSWORD)
    pair = await sign_in(api, user)
    await api.post("/api/v1/auth/logout", headers=bearer(pair["access_token"]))
    tokens = (pair["access_token"], pair["refresh_token"])
    assert [await introspect(api, caller, one) for one in tokens] == [INACTIVE, INACTIVE]


async def test_tokens_end_with_the_rotated_secret(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key)
    old = await exchange(api, key)
    newer = await make(add_secret, key.row)
    new = await exchange(api, IssuedKey(key.row, newer))
    assert [(await introspect(api, caller, one))["active"] for one in (old, new)] == [True, True]
    ended = ApiKeySecret.objects.filter(api_key=key.row).exclude(prefix=newer[:12])
    await make(ended.update, expires_at=timezone.now())
    assert [(await introspect(api, caller, one))["active"] for one in (old, new)] == [False, True]


async def test_scope_is_what_key_and_token_both_grant_now(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key, scopes=["a:*", "b:c"])
    token = await exchange(api, key, "a:* b:c")
    await make(ApiKey.objects.filter(pk=key.id).update, scopes=["a:x", "b:*"])
    assert (await introspect(api, caller, token))["scope"] == "a:x b:c"


async def test_restricted_key_is_active_only_from_its_addresses(api: httpx.AsyncClient):
    caller = await introspecting_key()
    key = await make(make_key, ip_allowlist=["127.0.0.1"])
    token = await exchange(api, key)
    for one in (key.secret, token):
        assert await introspect(api, caller, one) == INACTIVE
        assert await introspect(api, caller, one, ip="192.0.2.1") == INACTIVE
        assert (await introspect(api, caller, one, ip="127.0.0.1"))["active"]


async def test_nothing_is_active_from_an_address_that_cannot_be_read(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key)
    token = await exchange(api, key)
    for one in (key.secret, token):
        assert (await introspect(api, caller, one))["active"]
        for address in ("unknown", "192.0.2", "1" * 65):
            assert await introspect(api, caller, one, ip=address) == INACTIVE


async def test_malformed_token_is_inactive(api: httpx.AsyncClient):
    caller = await introspecting_key()
    for text in ("x", "a.b.c", generate_key("live"), "sk_live_x", "rt_", "rt_AAAA", "é", "\x00", "x" * 10_000, "🗝"):
        for hint in ({}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "nonsense"}):
            assert await introspect(api, caller, text, **hint) == INACTIVE


async def test_wrong_token_type_hint_is_ignored(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key)
    token = await exchange(api, key)
    assert (await introspect(api, caller, token, token_type_hint="refresh_token"))["active"]


async def test_caller_authenticates_as_client_or_bearer(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key)
    form = {"token": key.secret}
    token = await exchange(api, caller, "tokens:introspect")
    in_form = {**form, "client_id": str(caller.id), "client_secret": caller.secret}
    responses = [
        await api.post(INTROSPECT, data=form, auth=client_of(caller)),
        await api.post(INTROSPECT, data=in_form),
        await api.post(INTROSPECT, data=form, headers=bearer(caller.secret)),
        await api.post(INTROSPECT, data=form, headers=bearer(token)),
    ]
    assert [(response.status_code, response.json()["active"]) for response in responses] == [(200, True)] * 4
    assert responses[0].headers["cache-control"] == "no-store"


async def test_key_without_scope_sees_only_its_own_tokens(api: httpx.AsyncClient):
    key, other, user = await make(make_key), await make(make_key), await make(make_user, PASSWORD)
    pair = await sign_in(api, user)
    own, foreign = await exchange(api, key), await exchange(api, other)
    assert [(await introspect(api, key, one))["active"] for one in (own, key.secret)] == [True, True]
    for one in (foreign, other.secret, pair["access_token"], pair["refresh_token"], "x", generate_key("live")):
        for credentials in ({"auth": client_of(key)}, {"headers": bearer(key.secret)}, {"headers": bearer(own)}):
            response = await api.post(INTROSPECT, data={"token": one}, **credentials)
            assert (response.status_code, response.json()) == (200, INACTIVE)


async def test_session_sees_only_its_own_tokens(api: httpx.AsyncClient):
    user, key = await make(make_user, PASSWORD), await make(make_key)
    own, other = await sign_in(api, user), await sign_in(api, user)
    for one, active in (
        (own["access_token"], True), (own["refresh_token"], True), (other["access_token"], False),
        (other["refresh_token"], False), (key.secret, False), (await exchange(api, key), False),
    ):  # fmt: skip
        response = await api.post(INTROSPECT, data={"token": one}, headers=bearer(own["access_token"]))
        assert (response.status_code, response.json()["active"]) == (200, active)


async def test_forged_token_of_the_caller_is_inactive(api: httpx.AsyncClient):
    key = await make(make_key)
    claims = claims_of(await exchange(api, key))
    forged = jwt.encode(claims, "a secret of thirty-two characters", algorithm="HS256", headers={"typ": "at+jwt"})
    assert await introspect(api, key, forged) == INACTIVE


async def test_token_introspects_only_with_the_requested_scope(api: httpx.AsyncClient):
    caller, key = await introspecting_key(), await make(make_key)
    plain = await exchange(api, caller)
    response = await api.post(INTROSPECT, data={"token": key.secret}, headers=bearer(plain))
    assert (response.status_code, response.json()) == (200, INACTIVE)


async def test_unauthenticated_caller_is_refused(api: httpx.AsyncClient):
    caller, key, me = await introspecting_key(), await make(make_key), await customer()
    await make(Session.objects.update, revoked_at=timezone.now())
    form = {"token": key.secret}
    await make(ApiKey.objects.filter(pk=caller.id).update, revoked_at=timezone.now())
    for client in ({}, {"auth": client_of(caller)}, {"auth": ("1", "x")}, {"headers": {"Authorization": "Digest x"}}):
        response = await api.post(INTROSPECT, data=form, **client)
        assert_oauth_error(response, 401, "invalid_client")
        assert response.headers["www-authenticate"].startswith("Basic ")
    for presented in (caller.secret, "x", "", me.headers["Authorization"].removeprefix("Bearer ")):
        response = await api.post(INTROSPECT, data=form, headers=bearer(presented))
        assert_oauth_error(response, 401, "invalid_token")
        assert response.headers["www-authenticate"].startswith("Bearer ")


async def test_only_failed_authentication_is_limited(api: httpx.AsyncClient, settings: Settings):
    settings.PUBLIC_RATE_LIMIT = "2/h"
    caller = await introspecting_key()
    form = {"token": "x"}
    for client in ({"auth": (str(caller.id), "x")}, {"headers": bearer("x")}):
        assert (await api.post(INTROSPECT, data=form, **client)).status_code == 401
    for client in ({"auth": (str(caller.id), "x")}, {"headers": bearer("x")}, {}):
        limited = await api.post(INTROSPECT, data=form, **client)
        assert_oauth_error(limited, 429, "temporarily_unavailable")
        assert int(limited.headers["retry-after"]) >= 1
    for _ in range(5):
        response = await api.post(INTROSPECT, data=form, auth=client_of(caller))
        assert (response.status_code, response.json()) == (200, INACTIVE)


async def test_caller_from_a_forbidden_address_is_refused(api: httpx.AsyncClient):
    key = await make(make_key, await make(make_staff), scopes=["tokens:introspect"], ip_allowlist=["192.0.2.0/24"])
    form = {"token": key.secret}
    assert_oauth_error(await api.post(INTROSPECT, data=form, auth=client_of(key)), 401, "invalid_client")
    assert_oauth_error(await api.post(INTROSPECT, data=form, headers=bearer(key.secret)), 401, "invalid_token")


async def test_two_client_credentials_are_rejected(api: httpx.AsyncClient):
    caller = await introspecting_key()
    form = {"token": "x", "client_id": str(caller.id), "client_secret": caller.secret}
    response = await api.post(INTROSPECT, data=form, headers=bearer(caller.secret))
    assert_oauth_error(response, 400, "invalid_request")


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": ["x", "x"]}])
async def test_malformed_request_is_rejected(api: httpx.AsyncClient, form: dict[str, Any]):
    response = await api.post(INTROSPECT, data={**form, "other": "x"}, auth=client_of(await introspecting_key()))
    assert_oauth_error(response, 400, "invalid_request")


async def test_response_has_no_secret_and_is_not_audited(api: httpx.AsyncClient):
    caller, me = await introspecting_key(), await customer()
    key = await make(make_key, me.user, metadata={"note": "private"}, description="private")
    described = await introspect(api, caller, key.secret)
    for hidden in (key.secret, me.user.email, me.user.username, "private"):
        assert hidden not in str(described)
    assert await audited() == []
