"""Signing in to the admin: who gets a session, what is stored of it, and what a refusal reveals."""

import httpx
import pytest
from django.contrib.sessions.models import Session as KeptBrowser

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.users.models import User
from tests.support.accounts import audited
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.orm import make, rows
from tests.support.staff_client import (
    FACTORS,
    HOME,
    LOGIN,
    SESSION_COOKIE,
    browser_at,
    is_signed_in,
    refusals_of,
    sign_in,
    sign_in_again,
)

pytestmark = pytest.mark.integration

EMAIL = "root@example.com"
WRONG = ["The e-mail address or the password is wrong."]


@pytest.fixture
def browser(database) -> httpx.AsyncClient:
    return browser_at("192.0.2.7")


async def staff(**fields: bool) -> User:
    user: User = await make(make_staff, PASSWORD, email=EMAIL, **fields)
    return user


@pytest.mark.parametrize("typed", [EMAIL, "ROOT@Example.com", f" {EMAIL} "])
async def test_staff_get_a_session(browser: httpx.AsyncClient, typed: str):
    user = await staff(is_superuser=False)
    browser.headers["User-Agent"] = "Firefox"
    response = await sign_in(browser, typed)
    assert (response.status_code, response.headers["location"]) == (302, f"{FACTORS}?next={HOME}")
    assert await is_signed_in(browser)
    (session,) = await rows(Session.objects.all())
    assert (session.user_id, session.kind, session.methods) == (user.pk, "admin", ["pwd"])
    assert (session.ip_address, session.user_agent) == ("192.0.2.7", "Firefox")
    (after,) = await rows(User.objects.all())
    assert after.last_login is not None


async def test_staff_sign_in_without_a_verified_address(browser: httpx.AsyncClient, settings):
    settings.REQUIRE_VERIFIED_EMAIL = True
    user = await staff()
    assert user.email_verified_at is None
    assert (await sign_in(browser, EMAIL)).status_code == 302
    assert await is_signed_in(browser)
    refused = await browser.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "EMAIL_NOT_VERIFIED")
    (session,) = await rows(Session.objects.all())
    assert (session.user_id, session.kind) == (user.pk, "admin")


async def test_sign_in_is_audited_with_address_and_method(browser: httpx.AsyncClient):
    user = await staff()
    browser.headers.update({"User-Agent": "Firefox", "X-Request-ID": "req-1"})
    await sign_in(browser, EMAIL)
    (session,) = await rows(Session.objects.all())
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.target_id, event.actor_id, event.outcome) == (
        "session.started", session.pk, user.pk, "success",
    )  # fmt: skip
    assert (event.ip_address, event.user_agent, event.request_id) == ("192.0.2.7", "Firefox", "req-1")
    assert event.after == {"kind": "admin", "methods": ["pwd"]}


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD), ("customer@example.com", PASSWORD), (EMAIL, "x" * 256)],
    ids=["wrong password", "unknown account", "customer", "long"],
)
async def test_all_failures_look_alike_and_start_no_session(browser: httpx.AsyncClient, email: str, password: str):
    user, customer = await staff(), await make(make_user, PASSWORD, email="customer@example.com")
    response = await sign_in(browser, email, password)
    assert (response.status_code, refusals_of(response)) == (200, WRONG)
    assert not await is_signed_in(browser)
    assert await rows(Session.objects.all()) == []
    known = {EMAIL: user.pk, customer.email: customer.pk}
    assert await audited() == [("password.refused", known.get(email), None)]
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.outcome, event.ip_address) == ("failure", "192.0.2.7")


@pytest.mark.parametrize("fields", [{"is_active": False}, {"is_staff": False}, {"deleted_at": "2026-01-01T00:00:00Z"}])
async def test_account_without_access_looks_like_a_wrong_password(browser: httpx.AsyncClient, fields):
    await staff(**fields)
    assert refusals_of(await sign_in(browser, EMAIL)) == WRONG
    assert await rows(Session.objects.all()) == []


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong"), ("nobody@example.com", "wrong"), ("customer@example.com", PASSWORD)],
    ids=["staff", "unknown account", "customer with the right password"],
)
async def test_five_failures_lock_address_and_account(browser: httpx.AsyncClient, email: str, password: str):
    await staff()
    await make(make_user, PASSWORD, email="customer@example.com")
    responses = [await sign_in(browser, email, password) for _ in range(6)]
    assert [response.status_code for response in responses] == [200, 200, 200, 200, 200, 429]
    assert 1 <= int(responses[5].headers["retry-after"]) <= 60
    (words,) = refusals_of(responses[5])
    assert words.startswith("Too many wrong passwords. Retry in ")
    right = await sign_in(browser, email)
    assert (right.status_code, await rows(Session.objects.all())) == (429, [])
    elsewhere = browser_at("198.51.100.9")
    assert (await sign_in(elsewhere, EMAIL)).status_code == 302


async def test_admin_and_api_share_the_limit_of_an_address(browser: httpx.AsyncClient, settings):
    settings.LOGIN_RATE_LIMIT = "3/h"
    await staff()
    login = {"email": EMAIL, "password": PASSWORD}
    statuses = [(await browser.post("/api/v1/auth/login", json=login)).status_code for _ in range(2)]
    assert [*statuses, (await sign_in(browser, EMAIL, "wrong")).status_code] == [200, 200, 200]
    refused = await sign_in(browser, EMAIL)
    assert (refused.status_code, refusals_of(refused)[0][:18]) == (429, "Too many requests.")
    assert 1 <= int(refused.headers["retry-after"]) <= 3600
    assert (await browser.post("/api/v1/auth/login", json=login)).status_code == 429
    assert [session.kind for session in await rows(Session.objects.all())] == ["api", "api"]


async def test_lockout_holds_in_admin_and_api(browser: httpx.AsyncClient):
    await staff()
    for _ in range(5):
        await browser.post("/api/v1/auth/login", json={"email": EMAIL, "password": "wrong"})
    assert (await sign_in(browser, EMAIL)).status_code == 429
    assert await rows(Session.objects.all()) == []


async def test_session_key_changes_at_sign_in(browser: httpx.AsyncClient):
    await staff()
    await sign_in(browser, EMAIL)
    planted = browser.cookies[SESSION_COOKIE]
    await sign_in_again(browser, EMAIL)
    assert browser.cookies[SESSION_COOKIE] != planted
    attacker = browser_at()
    attacker.cookies.set(SESSION_COOKIE, planted)
    assert [await is_signed_in(browser), await is_signed_in(attacker)] == [True, False]


async def test_foreign_session_key_is_not_adopted(browser: httpx.AsyncClient):
    await staff()
    browser.cookies.set(SESSION_COOKIE, "a" * 32)
    await sign_in(browser, EMAIL)
    attacker = browser_at()
    attacker.cookies.set(SESSION_COOKIE, "a" * 32)
    assert not await is_signed_in(attacker)


async def test_new_sign_in_ends_the_former_session(browser: httpx.AsyncClient):
    await staff()
    await sign_in(browser, EMAIL)
    await sign_in_again(browser, EMAIL)
    first, second = await rows(Session.objects.order_by("id"))
    assert (first.revoked_reason, second.revoked_at) == ("signed out", None)
    assert await is_signed_in(browser)


async def test_database_does_not_store_the_session_key(browser: httpx.AsyncClient):
    await staff()
    await sign_in(browser, EMAIL)
    (kept,) = await rows(KeptBrowser.objects.all())
    assert len(browser.cookies[SESSION_COOKIE]) == 32  # 192 random bits in base64
    assert browser.cookies[SESSION_COOKIE] not in {kept.session_key, kept.session_data}
    attacker = browser_at()
    attacker.cookies.set(SESSION_COOKIE, kept.session_key)
    assert not await is_signed_in(attacker)


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"])
async def test_redirects_stay_on_this_host(browser: httpx.AsyncClient, page: str):
    await staff()
    first, second = [await sign_in(fresh, EMAIL, page=f"{LOGIN}?next={page}") for fresh in (browser, browser_at())]
    assert (first.headers["location"], second.headers["location"]) == (f"{FACTORS}?next={HOME}", HOME)
    offered = (await browser.get(f"{FACTORS}?next={page}")).text
    assert f'<a class="button" href="{HOME}">Not now</a>' in offered


@pytest.mark.parametrize(
    "fields",
    [{}, {"username": EMAIL}, {"username": EMAIL, "password": "x" * 257}, {"username": "x\x00", "password": "x"},
     {"username": "x" * 255, "password": "x"}],
)  # fmt: skip
async def test_incomplete_form_is_shown_again(browser: httpx.AsyncClient, fields: dict[str, str]):
    await staff()
    await browser.get(LOGIN)
    token = {"csrfmiddlewaretoken": browser.cookies["staff_csrf"]}
    response = await browser.post(LOGIN, data={**token, **fields})
    assert (response.status_code, 'class="errorlist"' in response.text) == (200, True)
    assert await audited() == []


async def test_large_body_is_refused(browser: httpx.AsyncClient):
    await browser.get(LOGIN)
    token = {"csrfmiddlewaretoken": browser.cookies["staff_csrf"]}
    response = await browser.post(LOGIN, data={**token, "username": EMAIL, "password": "x" * 10_000_000})
    assert (response.status_code, await audited()) == (413, [])


async def test_forged_sign_in_is_refused(browser: httpx.AsyncClient):
    await staff()
    response = await browser.post(LOGIN, data={"username": EMAIL, "password": PASSWORD})
    assert (response.status_code, await rows(Session.objects.all())) == (403, [])
