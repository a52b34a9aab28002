"""`POST /api/v1/oauth/revoke`."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.utils import timezone

from apps.api_keys.models import ApiKey
from apps.api_keys.services.key_format import generate_key
from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.event_loop import call_service
from apps.oauth.models import RevokedToken
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from tests.support.accounts import audited
from tests.support.factories import PASSWORD, make_key, make_staff, make_user
from tests.support.forgery import bearer
from tests.support.oauth import OAUTH, assert_oauth_error, client_of, exchange, introspect
from tests.support.orm import make, rows

REVOKE = f"{OAUTH}/revoke"
ME = "/api/v1/users/me"


async def sign_in(api: httpx.AsyncClient) -> dict[str, str]:
    user = await make(make_user, PASSWORD)
    response = await api.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    pair: dict[str, str] = response.json()
    return pair


async def revoke(api: httpx.AsyncClient, token: str, **request: Any) -> None:
    response = await api.post(REVOKE, data={"token": token, **request.pop("form", {})}, **request)
    assert (response.status_code, response.content) == (200, b""), response.text


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("form", [{}, {"token_type_hint": "access_token"}, {"client_id": "app"}], ids=repr)
async def test_revoking_a_session_token_ends_its_session(api: httpx.AsyncClient, kind: str, form: dict[str, str]):
    pair, other = await sign_in(api), await sign_in(api)
    await revoke(api, pair[kind], form=form)
    statuses = [(await api.get(ME, headers=bearer(one["access_token"]))).status_code for one in (pair, other)]
    assert statuses == [401, 200]
    response = await api.post("/api/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert response.status_code == 401
    ended, _ = await rows(Session.objects.order_by("id"))
    assert ended.revoked_reason == "signed out"
    assert (await audited())[-1] == ("session.ended", ended.pk, ended.user_id)


async def test_revoking_a_spent_refresh_token_ends_its_session(api: httpx.AsyncClient):
    pair = await sign_in(api)
    newer = (await api.post("/api/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})).json()
    await revoke(api, pair["refresh_token"])
    assert (await api.get(ME, headers=bearer(newer["access_token"]))).status_code == 401
    assert (await audited())[-1][0] == "session.ended"


async def test_revoked_client_token_is_refused(api: httpx.AsyncClient):
    key = await make(make_key, await make(make_staff), scopes=["account:read", "tokens:introspect"])
    token, other = [await exchange(api, key, "account:read") for _ in range(2)]
    assert (await api.get(ME, headers=bearer(token))).status_code == 200
    await revoke(api, token, auth=client_of(key))
    assert [(await introspect(api, key, one))["active"] for one in (token, other)] == [False, True]
    statuses = [(await api.get(ME, headers=bearer(one))).status_code for one in (token, other)]
    assert statuses == [401, 200]
    (revoked,) = await rows(RevokedToken.objects.all())
    (event,) = await rows(AuditEvent.objects.filter(action="token.revoked"))
    assert (event.target_kind, event.target_id, event.actor_id) == ("api_key", key.id, key.row.user_id)
    assert event.after == {"token_id": revoked.token_id}


async def test_client_may_authenticate_in_the_form(api: httpx.AsyncClient):
    key = await make(make_key)
    token = await exchange(api, key)
    await revoke(api, token, form={"client_id": str(key.id), "client_secret": key.secret})
    assert (await api.get(ME, headers=bearer(token))).status_code == 401


async def test_concurrent_revocations_are_recorded_once(api: httpx.AsyncClient):
    key, pair = await make(make_key), await sign_in(api)
    token = await exchange(api, key)
    await asyncio.gather(*(revoke(api, token, auth=client_of(key)) for _ in range(6)))
    await asyncio.gather(*(revoke(api, pair["access_token"]) for _ in range(6)))
    actions = [action for action, *_ in await audited()]
    assert (actions.count("token.revoked"), actions.count("session.ended")) == (1, 1)


async def test_token_of_another_client_is_refused(api: httpx.AsyncClient):
    key, other, pair = await make(make_key, scopes=["account:read"]), await make(make_key), await sign_in(api)
    token = await exchange(api, key, "account:read")
    for one in (token, pair["access_token"], pair["refresh_token"]):
        response = await api.post(REVOKE, data={"token": one}, auth=client_of(other))
        assert_oauth_error(response, 400, "unauthorized_client")
    credentials: list[dict[str, Any]] = [{}, {"auth": ("1", "wrong")}, {"auth": (str(other.id), key.secret)}]
    for one_credential in credentials:
        assert_oauth_error(await api.post(REVOKE, data={"token": token}, **one_credential), 401, "invalid_client")
    for one in (token, pair["access_token"]):
        assert (await api.get(ME, headers=bearer(one))).status_code == 200
    assert await rows(RevokedToken.objects.all()) == []


async def test_wrong_client_credentials_are_refused_for_any_token(api: httpx.AsyncClient):
    pair = await sign_in(api)
    for one in (pair["access_token"], "x"):
        response = await api.post(REVOKE, data={"token": one}, auth=("1", generate_key("live")))
        assert_oauth_error(response, 401, "invalid_client")
    assert (await api.get(ME, headers=bearer(pair["access_token"]))).status_code == 200


async def test_api_key_is_refused_as_token(api: httpx.AsyncClient):
    key = await make(make_key)
    credentials: list[dict[str, Any]] = [{}, {"auth": client_of(key)}]
    for one in (key.secret, generate_key("live")):
        for one_credential in credentials:
            response = await api.post(REVOKE, data={"token": one}, **one_credential)
            assert_oauth_error(response, 400, "unsupported_token_type")
    (row,) = await rows(ApiKey.objects.all())
    assert (row.revoked_at, await audited()) == (None, [])


@pytest.mark.parametrize("token", ["x", "a.b.c", "rt_AAAA", "\x00", "é🗝", "x" * 10_000], ids=lambda text: text[:9])
async def test_unknown_token_is_answered_with_200(api: httpx.AsyncClient, token: str):
    await revoke(api, token)
    await revoke(api, token, auth=client_of(await make(make_key)))
    assert await audited() == []


async def test_ended_session_is_not_ended_again(api: httpx.AsyncClient):
    pair = await sign_in(api)
    for _ in range(2):
        await revoke(api, pair["refresh_token"])
    assert [action for action, *_ in await audited()].count("session.ended") == 1


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": ["x", "x"]}])
async def test_malformed_request_is_rejected(api: httpx.AsyncClient, form: dict[str, Any]):
    assert_oauth_error(await api.post(REVOKE, data={**form, "other": "x"}), 400, "invalid_request")


async def test_revocation_is_limited_per_address(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "PUBLIC_RATE_LIMIT", "1/h")
    await revoke(api, "x")
    assert_oauth_error(await api.post(REVOKE, data={"token": "x"}), 429, "temporarily_unavailable")


@pytest.mark.usefixtures("database")
def test_expired_revoked_tokens_are_deleted():
    now = timezone.now()
    for number, hours in enumerate((-3, -2, -0.5, 1)):
        RevokedToken.objects.create(token_id=f"token {number}", expires_at=now + timedelta(hours=hours))
    assert call_service(RevokedTokenRepository().delete_expired, 100) == 2
    assert set(RevokedToken.objects.values_list("token_id", flat=True)) == {"token 2", "token 3"}
