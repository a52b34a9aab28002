"""Rate limits per client address on public operations."""

import time

import httpx
import pytest
from django_ratelimit import core
from pytest_django.fixtures import Settings

from apps.users.models import User
from config.asgi import application
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


async def _log_in_from(address: str) -> httpx.Response:
    transport = httpx.ASGITransport(application, client=(address, 7))
    async with httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost") as client:
        return await client.post(LOGIN, json=WRONG)


async def test_networks_of_ipv6_are_limited_too(database, settings: Settings):
    settings.LOGIN_RATE_LIMIT = "2/h"
    for site in range(4):  # /56 networks of one /48
        subnets = [await _log_in_from(f"2001:db8:7:{site:x}{number:02x}::1") for number in range(5) for _ in range(2)]
        assert [response.status_code for response in subnets] == [401] * 8 + [429] * 2
        assert {response.headers["x-ratelimit-limit"] for response in subnets} == {"2", "8"}
    elsewhere = await _log_in_from("2001:db8:7:f00::1")
    assert (elsewhere.status_code, elsewhere.headers["x-ratelimit-limit"]) == (429, "32")
    assert (await _log_in_from("2001:db8:8::1")).status_code == 401


async def test_client_that_is_refused_uses_nothing_of_its_networks(database, settings: Settings):
    settings.LOGIN_RATE_LIMIT = "2/h"
    statuses = [(await _log_in_from("2001:db8:7::1")).status_code for _ in range(12)]
    assert statuses == [401] * 2 + [429] * 10
    assert (await _log_in_from("2001:db8:7:1::1")).status_code == 401


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
