"""Rate limits per client address on public operations."""

import time

import httpx
import pytest
from django_ratelimit import core
from pytest_django.fixtures import Settings

from apps.users.models import User
from tests.support.accounts import customer
from tests.support.assertions import assert_error
from tests.support.orm import rows

LOGIN = "/api/v1/auth/login"
WRONG = {"email": "unknown@example.com", "password": "wrong"}


async def test_every_response_has_rate_limit_headers(api: httpx.AsyncClient, settings: Settings):
    settings.LOGIN_RATE_LIMIT = "3/h"
    responses = [await api.post(LOGIN, json=WRONG) for _ in range(4)]
    assert [response.status_code for response in responses] == [401, 401, 401, 429]
    assert [response.headers["x-ratelimit-remaining"] for response in responses] == ["2", "1", "0", "0"]
    assert {response.headers["x-ratelimit-limit"] for response in responses} == {"3"}
    assert {response.headers["ratelimit-policy"] for response in responses} == {'"login";q=3;w=3600'}
    assert responses[1].headers["ratelimit"].startswith('"login";r=1;t=')
    assert_error(responses[3], 429, "RATE_LIMITED")
    wait = int(responses[3].headers["retry-after"])
    assert 1 <= wait <= 3600
    assert abs(int(responses[3].headers["x-ratelimit-reset"]) - (time.time() + wait)) <= 2


async def test_period_that_ends_during_the_call_is_no_failure(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(core, "_get_window", lambda _value, _period: int(time.time()) - 1)
    response = await api.post(LOGIN, json=WRONG)
    assert_error(response, 401, "WRONG_CREDENTIALS")
    assert response.headers["ratelimit"].endswith((";t=0", ";t=1"))


async def test_rate_limited_sign_up_creates_no_account(api: httpx.AsyncClient, settings: Settings):
    settings.PUBLIC_RATE_LIMIT = "1/h"
    new = {"email": "ann@example.com", "username": "ann", "password": "correct horse battery"}
    assert (await api.post("/api/v1/users", json=new)).status_code == 201
    again = await api.post("/api/v1/users", json={**new, "email": "bob@example.com", "username": "bob"})
    assert_error(again, 429, "RATE_LIMITED")
    assert [user.username for user in await rows(User.objects.all())] == ["ann"]


async def test_changing_the_password_is_rate_limited(api: httpx.AsyncClient, settings: Settings):
    settings.PUBLIC_RATE_LIMIT = "2/h"
    headers = (await customer()).headers
    change = {"current_password": "wrong", "new_password": "another long and quiet sentence"}
    responses = [await api.post("/api/v1/auth/change-password", json=change, headers=headers) for _ in range(3)]
    assert [response.status_code for response in responses] == [400, 400, 429]
    assert_error(responses[2], 429, "RATE_LIMITED")


@pytest.mark.parametrize("path", ["/health", "/.well-known/jwks.json"])
async def test_unlimited_operation_has_no_rate_limit_headers(api: httpx.AsyncClient, path: str):
    response = await api.get(path)
    assert "x-ratelimit-limit" not in response.headers
