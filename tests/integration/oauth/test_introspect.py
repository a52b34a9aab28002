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
from apps.usage.models import UsageDenial, UsageEvent
from apps.users.models import User
from tests.support.accounts import audited, customer
from tests.support.factories import PASSWORD, IssuedKey, add_secret, make_key, make_plan, make_staff, make_user
from tests.support.forgery import bearer
from tests.support.oauth import OAUTH, assert_oauth_error, client_of, exchange, introspect
from tests.support.orm import make, rows

INTROSPECT = f"{OAUTH}/introspect"
DEAD = {"active": False}


async def asking_service() -> IssuedKey:
    """Return the key of a service that may ask about any token."""
    key: IssuedKey = await make(make_key, await make(make_staff), scopes=["tokens:introspect"])
    return key


async def sign_in(api: httpx.AsyncClient, user: User) -> dict[str, str]:
    answer = await api.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    pair: dict[str, str] = answer.json()
    return pair


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def test_of_a_client_s_token(api: httpx.AsyncClient):
    asker, key = await asking_service(), await make(make_key, scopes=["a:b", "c"])
    token = await exchange(api, key, "c")
    claims = claims_of(token)
    assert await introspect(api, asker, token) == {
        "active": True, "scope": "c", "client_id": str(key.id), "token_type": "Bearer", "sub": str(key.row.user_id),
        "iss": settings.TOKEN_ISSUER, "aud": "keyhouse", **{name: claims[name] for name in ("exp", "iat", "jti")},
    }  # fmt: skip


async def test_of_a_session_s_access_token(api: httpx.AsyncClient):
    asker, user = await asking_service(), await make(make_user, PASSWORD)
    pair = await sign_in(api, user)
    claims = claims_of(pair["access_token"])
    told = await introspect(api, asker, pair["access_token"])
    assert told == {
        "active": True, "scope": "keyhouse:account", "token_type": "Bearer", "sub": str(user.pk), "amr": ["pwd"],
        "iss": settings.TOKEN_ISSUER, "aud": "keyhouse",
        **{name: claims[name] for name in ("exp", "iat", "jti", "auth_time")},
    }  # fmt: skip


async def test_of_a_refresh_token_and_nothing_is_spent(api: httpx.AsyncClient):
    asker, user = await asking_service(), await make(make_user, PASSWORD)
    first = await sign_in(api, user)
    told = await introspect(api, asker, first["refresh_token"])
    assert set(told) == {"active", "token_type", "sub", "iss", "aud", "iat", "exp"}
    assert (told["active"], told["token_type"], told["sub"]) == (True, "refresh_token", str(user.pk))
    assert told["aud"] == told["iss"] == settings.TOKEN_ISSUER
    assert told["exp"] - told["iat"] == 30 * 24 * 3600
    second = await api.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert await introspect(api, asker, first["refresh_token"]) == DEAD
    assert (await introspect(api, asker, second.json()["refresh_token"]))["active"]
    (session,) = await rows(Session.objects.all())
    assert (session.generation, session.revoked_at) == (1, None)


async def test_of_a_key_and_nothing_is_counted(api: httpx.AsyncClient):
    asker = await asking_service()
    plan = await make(make_plan, ("minute", 1, 60))
    end = timezone.now() + timedelta(days=1)
    key = await make(make_key, await make(make_user, plan=plan), scopes=["c", "a:b"], expires_at=end)
    for _ in range(3):
        assert await introspect(api, asker, key.secret) == {
            "active": True, "scope": "a:b c", "client_id": str(key.id), "token_type": "Bearer",
            "sub": str(key.row.user_id), "iss": settings.TOKEN_ISSUER, "aud": "keyhouse", "exp": int(end.timestamp()),
        }  # fmt: skip
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (counter.windows, counter.last_used_at) == ("[]", None)
    assert (await rows(UsageEvent.objects.all()), await rows(UsageDenial.objects.all())) == ([], [])


async def test_a_key_that_has_used_its_windows_up_is_still_a_key(api: httpx.AsyncClient):
    asker = await asking_service()
    plan = await make(make_plan, ("minute", 1, 60))
    key = await make(make_key, await make(make_user, plan=plan))
    token = await exchange(api, key)
    assert [(await introspect(api, asker, one))["active"] for one in (key.secret, token)] == [True, True]


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
async def test_a_key_that_ends_ends_its_tokens(api: httpx.AsyncClient, spoil: dict[str, Any]):
    asker, key = await asking_service(), await make(make_key)
    token = await exchange(api, key)
    await make(ApiKey.objects.filter(pk=key.id).update, **spoil)
    assert [await introspect(api, asker, one) for one in (key.secret, token)] == [DEAD, DEAD]


async def test_an_owner_who_is_shut_out_ends_every_token(api: httpx.AsyncClient):
    asker, user = await asking_service(), await make(make_user, PASSWORD)
    key = await make(make_key, user)
    pair, token = await sign_in(api, user), await exchange(api, key)
    await make(User.objects.filter(pk=user.pk).update, is_active=False)
    tokens = (pair["access_token"], pair["refresh_token"], token, key.secret)
    assert [await introspect(api, asker, one) for one in tokens] == [DEAD] * 4


async def test_after_signing_out_a_session_s_tokens_are_dead(api: httpx.AsyncClient):
    asker, user = await asking_service(), await make(make_user, PASSWORD)
    pair = await sign_in(api, user)
    await api.post("/api/v1/auth/logout", headers=bearer(pair["access_token"]))
    tokens = (pair["access_token"], pair["refresh_token"])
    assert [await introspect(api, asker, one) for one in tokens] == [DEAD, DEAD]


async def test_a_rotation_ends_the_tokens_of_the_secret_that_it_ends(api: httpx.AsyncClient):
    asker, key = await asking_service(), await make(make_key)
    old = await exchange(api, key)
    newer = await make(add_secret, key.row)
    new = await exchange(api, IssuedKey(key.row, newer))
    assert [(await introspect(api, asker, one))["active"] for one in (old, new)] == [True, True]
    ended = ApiKeySecret.objects.filter(api_key=key.row).exclude(prefix=newer[:12])
    await make(ended.update, expires_at=timezone.now())
    assert [(await introspect(api, asker, one))["active"] for one in (old, new)] == [False, True]


async def test_says_what_the_key_may_now(api: httpx.AsyncClient):
    asker, key = await asking_service(), await make(make_key, scopes=["a:*", "b:c"])
    token = await exchange(api, key, "a:* b:c")
    await make(ApiKey.objects.filter(pk=key.id).update, scopes=["a:x", "b:*"])
    assert (await introspect(api, asker, token))["scope"] == "a:x b:c"


async def test_a_key_with_an_allowlist_counts_from_its_addresses_alone(api: httpx.AsyncClient):
    asker = await asking_service()
    key = await make(make_key, ip_allowlist=["127.0.0.1"])
    token = await exchange(api, key)
    for one in (key.secret, token):
        assert await introspect(api, asker, one) == DEAD
        assert await introspect(api, asker, one, ip="192.0.2.1") == DEAD
        assert (await introspect(api, asker, one, ip="127.0.0.1"))["active"]


async def test_what_is_no_token(api: httpx.AsyncClient):
    asker = await asking_service()
    for text in ("x", "a.b.c", generate_key("live"), "sk_live_x", "rt_", "rt_AAAA", "é", "\x00", "x" * 10_000, "🗝"):
        for hint in ({}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "nonsense"}):
            assert await introspect(api, asker, text, **hint) == DEAD


async def test_a_hint_is_a_hint(api: httpx.AsyncClient):
    asker, key = await asking_service(), await make(make_key)
    token = await exchange(api, key)
    assert (await introspect(api, asker, token, token_type_hint="refresh_token"))["active"]


async def test_a_caller_is_a_client_or_a_bearer(api: httpx.AsyncClient):
    asker, key = await asking_service(), await make(make_key)
    form = {"token": key.secret}
    token = await exchange(api, asker, "tokens:introspect")
    in_form = {**form, "client_id": str(asker.id), "client_secret": asker.secret}
    answers = [
        await api.post(INTROSPECT, data=form, auth=client_of(asker)),
        await api.post(INTROSPECT, data=in_form),
        await api.post(INTROSPECT, data=form, headers=bearer(asker.secret)),
        await api.post(INTROSPECT, data=form, headers=bearer(token)),
    ]
    assert [(answer.status_code, answer.json()["active"]) for answer in answers] == [(200, True)] * 4
    assert answers[0].headers["cache-control"] == "no-store"


async def test_without_the_scope_a_key_is_told_of_its_own_tokens_alone(api: httpx.AsyncClient):
    key, other, user = await make(make_key), await make(make_key), await make(make_user, PASSWORD)
    pair = await sign_in(api, user)
    own, foreign = await exchange(api, key), await exchange(api, other)
    assert [(await introspect(api, key, one))["active"] for one in (own, key.secret)] == [True, True]
    for one in (foreign, other.secret, pair["access_token"], pair["refresh_token"], "x", generate_key("live")):
        for proof in ({"auth": client_of(key)}, {"headers": bearer(key.secret)}, {"headers": bearer(own)}):
            answer = await api.post(INTROSPECT, data={"token": one}, **proof)
            assert (answer.status_code, answer.json()) == (200, DEAD)


async def test_a_session_is_told_of_its_own_tokens_alone(api: httpx.AsyncClient):
    user, key = await make(make_user, PASSWORD), await make(make_key)
    mine, elsewhere = await sign_in(api, user), await sign_in(api, user)
    for one, active in (
        (mine["access_token"], True), (mine["refresh_token"], True), (elsewhere["access_token"], False),
        (elsewhere["refresh_token"], False), (key.secret, False), (await exchange(api, key), False),
    ):  # fmt: skip
        answer = await api.post(INTROSPECT, data={"token": one}, headers=bearer(mine["access_token"]))
        assert (answer.status_code, answer.json()["active"]) == (200, active)


async def test_a_token_that_only_claims_to_be_one_s_own(api: httpx.AsyncClient):
    key = await make(make_key)
    claims = claims_of(await exchange(api, key))
    forged = jwt.encode(claims, "a secret of thirty-two characters", algorithm="HS256", headers={"typ": "at+jwt"})
    assert await introspect(api, key, forged) == DEAD


async def test_a_token_carries_the_right_to_ask_only_if_it_was_asked_for(api: httpx.AsyncClient):
    asker, key = await asking_service(), await make(make_key)
    plain = await exchange(api, asker)
    answer = await api.post(INTROSPECT, data={"token": key.secret}, headers=bearer(plain))
    assert (answer.status_code, answer.json()) == (200, DEAD)


async def test_callers_who_are_nobody(api: httpx.AsyncClient):
    asker, key, me = await asking_service(), await make(make_key), await customer()
    await make(Session.objects.update, revoked_at=timezone.now())
    form = {"token": key.secret}
    await make(ApiKey.objects.filter(pk=asker.id).update, revoked_at=timezone.now())
    for client in ({}, {"auth": client_of(asker)}, {"auth": ("1", "x")}, {"headers": {"Authorization": "Digest x"}}):
        answer = await api.post(INTROSPECT, data=form, **client)
        assert_oauth_error(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")
    for presented in (asker.secret, "x", "", me.headers["Authorization"].removeprefix("Bearer ")):
        answer = await api.post(INTROSPECT, data=form, headers=bearer(presented))
        assert_oauth_error(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_only_callers_who_are_nobody_are_limited(api: httpx.AsyncClient, settings: Settings):
    settings.PUBLIC_RATE_LIMIT = "2/h"
    asker = await asking_service()
    form = {"token": "x"}
    for client in ({"auth": (str(asker.id), "x")}, {"headers": bearer("x")}):
        assert (await api.post(INTROSPECT, data=form, **client)).status_code == 401
    for client in ({"auth": (str(asker.id), "x")}, {"headers": bearer("x")}, {}):
        limited = await api.post(INTROSPECT, data=form, **client)
        assert_oauth_error(limited, 429, "temporarily_unavailable")
        assert int(limited.headers["retry-after"]) >= 1
    for _ in range(5):
        answer = await api.post(INTROSPECT, data=form, auth=client_of(asker))
        assert (answer.status_code, answer.json()) == (200, DEAD)


async def test_a_caller_in_the_wrong_place(api: httpx.AsyncClient):
    key = await make(make_key, await make(make_staff), scopes=["tokens:introspect"], ip_allowlist=["192.0.2.0/24"])
    form = {"token": key.secret}
    assert_oauth_error(await api.post(INTROSPECT, data=form, auth=client_of(key)), 401, "invalid_client")
    assert_oauth_error(await api.post(INTROSPECT, data=form, headers=bearer(key.secret)), 401, "invalid_token")


async def test_two_proofs_at_once(api: httpx.AsyncClient):
    asker = await asking_service()
    form = {"token": "x", "client_id": str(asker.id), "client_secret": asker.secret}
    answer = await api.post(INTROSPECT, data=form, headers=bearer(asker.secret))
    assert_oauth_error(answer, 400, "invalid_request")


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": "x", "ip": "here"}, {"token": ["x", "x"]}])
async def test_malformed_questions(api: httpx.AsyncClient, form: dict[str, Any]):
    answer = await api.post(INTROSPECT, data={**form, "other": "x"}, auth=client_of(await asking_service()))
    assert_oauth_error(answer, 400, "invalid_request")


async def test_nothing_told_is_secret_or_leaves_a_trace(api: httpx.AsyncClient):
    asker, me = await asking_service(), await customer()
    key = await make(make_key, me.user, metadata={"note": "private"}, description="private")
    told = await introspect(api, asker, key.secret)
    for hidden in (key.secret, me.user.email, me.user.username, "private"):
        assert hidden not in str(told)
    assert await audited() == []
