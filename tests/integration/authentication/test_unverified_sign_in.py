"""Signing in where only verified addresses may."""

import httpx
import pytest

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.users.models import User
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key, make_user
from tests.support.links import kinds_to, tokens_to
from tests.support.orm import make, rows

LOGIN = "/api/v1/auth/login"
ANN = "ann@example.com"


@pytest.fixture(autouse=True)
def _only_verified(settings):
    settings.REQUIRE_VERIFIED_EMAIL = True


async def login(api: httpx.AsyncClient, password: str = PASSWORD) -> httpx.Response:
    return await api.post(LOGIN, json={"email": ANN, "password": password})


async def test_sign_in_is_refused_until_the_link_is_followed(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN)
    assert_error(await login(api), 403, "EMAIL_NOT_VERIFIED")
    assert await rows(Session.objects.all()) == []
    (user,) = await rows(User.objects.all())
    assert user.last_login is None
    assert_error(await login(api), 403, "EMAIL_NOT_VERIFIED")
    (token,) = await tokens_to(ANN, "verify_email")
    assert (await api.post("/api/v1/auth/verify-email", json={"token": token, "password": PASSWORD})).status_code == 200
    assert (await login(api)).status_code == 200


async def test_refusal_after_the_right_password_is_recorded(api: httpx.AsyncClient):
    user = await make(make_user, PASSWORD, email=ANN)
    await login(api)
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.outcome, event.subject_id, event.actor_id) == (
        "session.refused", "failure", user.pk, None,
    )  # fmt: skip
    assert event.after == {"methods": ["pwd"], "code": "EMAIL_NOT_VERIFIED"}


async def test_wrong_password_reveals_nothing_and_sends_nothing(api: httpx.AsyncClient):
    await make(make_user, PASSWORD, email=ANN)
    assert_error(await login(api, "wrong"), 401, "WRONG_CREDENTIALS")
    assert await kinds_to(ANN) == []


async def test_api_keys_still_work(api: httpx.AsyncClient):
    key = await make(make_key, await make(make_user, email=ANN), scopes=["account:read"])
    assert (await api.get("/api/v1/users/me", headers=key.headers)).status_code == 200
