"""A sign-in with a provider counts from when the provider has authenticated its user, if it says so."""

import time
from datetime import UTC, datetime

import httpx
import jwt
import pytest
from django.utils import timezone

from apps.authentication.models import Session
from apps.one_time_tokens.models import OneTimeToken
from apps.users.models import User
from tests.support.accounts import customer
from tests.support.assertions import assert_error
from tests.support.orm import make, rows
from tests.support.second_factors import enrol_totp
from tests.support.sign_in_flow import Browser, error_of, fragment_of, query_of

SESSIONS = "/api/v1/auth/sessions"
IN_2001 = 1_000_000_000


async def ends_other_sessions(browser: Browser, pair: httpx.Response) -> httpx.Response:
    """Do what requires re-authentication."""
    headers = {"Authorization": f"Bearer {pair.json()['access_token']}"}
    return await browser.keyhouse.delete(SESSIONS, headers=headers)


async def test_provider_without_a_time_gives_no_fresh_proof(browser: Browser):
    pair = await browser.sign_in()
    assert_error(await ends_other_sessions(browser, pair), 401, "STEP_UP_REQUIRED")
    (session,) = await rows(Session.objects.all())
    assert session.authenticated_at is None
    access_token = pair.json()["access_token"]
    claims = jwt.decode(access_token, options={"verify_signature": False})
    assert claims["amr"] == ["fed"]
    assert "auth_time" not in claims
    listed = await browser.keyhouse.get(SESSIONS, headers={"Authorization": f"Bearer {access_token}"})
    assert listed.json()["items"][0]["authenticated_at"] is None
    described = await browser.keyhouse.post(
        "/api/v1/oauth/introspect", data={"token": access_token}, headers={"Authorization": f"Bearer {access_token}"}
    )
    assert (described.json()["active"], "auth_time" in described.json()) == (True, False)


async def test_old_sign_in_at_the_provider_gives_no_fresh_proof(browser: Browser):
    browser.auth_time = IN_2001
    pair = await browser.sign_in("timed")
    assert_error(await ends_other_sessions(browser, pair), 401, "STEP_UP_REQUIRED")
    (session,) = await rows(Session.objects.all())
    assert session.authenticated_at == datetime.fromtimestamp(IN_2001, UTC)
    claims = jwt.decode(pair.json()["access_token"], options={"verify_signature": False})
    assert claims["auth_time"] == IN_2001


@pytest.mark.parametrize(("seconds_ago", "status"), [(540, 204), (660, 401)])
async def test_proof_ends_ten_minutes_after_the_sign_in_at_the_provider(
    browser: Browser, seconds_ago: int, status: int
):
    browser.auth_time = int(time.time()) - seconds_ago
    assert (await ends_other_sessions(browser, await browser.sign_in("timed"))).status_code == status


async def test_requested_authentication_is_fresh_proof(browser: Browser):
    url = (await browser.start(max_age="600")).headers["location"]
    assert {name: query_of(url)[name] for name in ("max_age", "prompt")} == {"max_age": "600", "prompt": "login"}
    assert not {"max_age", "prompt"} & query_of((await browser.start()).headers["location"]).keys()
    pair = await browser.sign_in(max_age="600")
    assert (await ends_other_sessions(browser, pair)).status_code == 204
    (session,) = await rows(Session.objects.all())
    assert session.authenticated_at is not None
    assert abs((session.authenticated_at - timezone.now()).total_seconds()) < 30


async def test_provider_that_ignores_the_request_is_refused(browser: Browser):
    """The request in the browser may be changed: what was requested is in the state."""
    started = await browser.start(max_age="600")
    url = httpx.URL(started.headers["location"]).copy_remove_param("max_age").copy_remove_param("prompt")
    returned = await browser.keyhouse.get(await browser.visit_provider(str(url)))
    assert error_of(returned) == "PROVIDER_AUTHENTICATION_STALE"
    assert await rows(User.objects.all()) == []


async def test_state_of_the_previous_release_is_accepted(browser: Browser):
    url = await browser.callback()
    (state,) = await rows(OneTimeToken.objects.all())
    del state.data["max_age"]
    await make(state.save)
    assert "code" in fragment_of(await browser.keyhouse.get(url))


@pytest.mark.parametrize("max_age", ["59", "86401", "-1", "soon", "1e3"])
async def test_malformed_max_age_is_rejected(browser: Browser, max_age: str):
    assert_error(await browser.start(max_age=max_age), 422, "VALIDATION_FAILED", "max_age")


async def test_second_factor_is_proof_of_its_own(browser: Browser):
    me = await customer(email="alice@example.com")
    authenticator, _ = await enrol_totp(browser.keyhouse, me)
    browser.auth_time = IN_2001
    needed = await browser.sign_in("timed")
    assert needed.status_code == 202
    body = {"second_factor_token": needed.json()["second_factor_token"], "code": authenticator.code()}
    pair = await browser.keyhouse.post("/api/v1/auth/second-factor", json=body)
    assert (await ends_other_sessions(browser, pair)).status_code == 204
