"""`POST /api/v1/auth/step-up`."""

from datetime import timedelta

import httpx
from django.db.models.functions import Now

from apps.authentication.dependencies import session_service
from apps.authentication.models import Session
from tests.support.accounts import Account, audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key
from tests.support.orm import make, rows

STEP_UP = "/api/v1/auth/step-up"


async def recently_authenticated(account: Account) -> bool:
    principal = await session_service().authenticate(account.headers["Authorization"].removeprefix("Bearer "))
    assert principal is not None
    return principal.recently_authenticated


async def authenticated(seconds_ago: int) -> None:
    await make(Session.objects.update, authenticated_at=Now() - timedelta(seconds=seconds_ago))


async def test_authentication_is_recent_for_ten_minutes(api: httpx.AsyncClient):
    me = await customer()
    for seconds_ago, is_recent in ((590, True), (601, False)):
        await authenticated(seconds_ago)
        assert await recently_authenticated(me) is is_recent


async def test_password_reauthenticates(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    await authenticated(3600)
    response = await api.post(STEP_UP, json={"password": PASSWORD}, headers=me.headers)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert await recently_authenticated(me)
    (session,) = await rows(Session.objects.all())
    assert session.methods == ["pwd"]
    assert await audited() == [("session.proven", session.pk, me.id)]


async def test_wrong_password_is_refused_and_counted(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    await authenticated(3600)
    for _ in range(5):
        refused = await api.post(STEP_UP, json={"password": "wrong"}, headers=me.headers)
        assert_error(refused, 400, "WRONG_PASSWORD")
    assert_error(await api.post(STEP_UP, json={"password": PASSWORD}, headers=me.headers), 429, "LOCKED_OUT")
    assert not await recently_authenticated(me)


async def test_api_key_cannot_reauthenticate(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.post(STEP_UP, json={"password": PASSWORD}, headers=key.headers), 403, "FORBIDDEN")
