"""Staff without a second factor are led to add one: at the first sign-in, and wherever one is required."""

import httpx
import pytest

from apps.authentication.models import Session
from tests.integration.backoffice.own_factors import CODE, PASSKEY, add_app, add_passkey, signed_in
from tests.support.accounts import Account, superuser
from tests.support.factories import PASSWORD
from tests.support.orm import rows
from tests.support.second_factors import enrol_totp
from tests.support.staff_client import (
    FACTORS,
    HOME,
    LOGIN,
    REAUTHENTICATION,
    browser_at,
    is_signed_in,
    sign_in,
    submit,
)

pytestmark = pytest.mark.integration


async def _with_password_alone(api: httpx.AsyncClient, settings) -> tuple[httpx.AsyncClient, Account]:
    settings.REQUIRE_STAFF_SECOND_FACTOR = True
    return await signed_in(api)


async def test_admin_is_closed_without_a_required_factor(api: httpx.AsyncClient, settings):
    browser, _ = await _with_password_alone(api, settings)
    for page in (
        HOME,
        "/admin/users/user/",
        "/admin/users/user/1/change/",
        "/admin/password_change/",
        "/admin/sessions/",
    ):
        redirected = await browser.get(page, follow_redirects=True)
        assert redirected.url.path == FACTORS
        assert (await submit(browser, FACTORS, page)).headers["location"].startswith(LOGIN)
    text = (await browser.get(FACTORS)).text
    assert "Add one to continue." in text
    assert "/admin/users/user/" not in text


@pytest.mark.parametrize("add", [add_app, add_passkey])
async def test_admin_opens_with_a_required_factor(api: httpx.AsyncClient, settings, add):
    browser, _ = await _with_password_alone(api, settings)
    _, response = await add(browser)
    assert len(CODE.findall(response.text)) == 10
    assert await is_signed_in(browser)
    assert (await browser.get("/admin/users/user/")).status_code == 200


async def test_logout_works_without_a_required_factor(api: httpx.AsyncClient, settings):
    browser, _ = await _with_password_alone(api, settings)
    assert (await submit(browser, FACTORS, "/admin/logout/")).status_code == 200
    assert (await browser.get(FACTORS)).headers["location"] == f"{LOGIN}?next={FACTORS}"
    (session,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    assert session.revoked_reason == "signed out"


async def test_earlier_session_authenticates_by_a_required_factor(api: httpx.AsyncClient, settings):
    browser, me = await signed_in(api)
    app, _ = await enrol_totp(api, me)
    settings.REQUIRE_STAFF_SECOND_FACTOR = True
    assert "Use yours now" in (await browser.get(HOME, follow_redirects=True)).text
    assert (await submit(browser, REAUTHENTICATION, code=app.code())).headers["location"] == HOME
    assert await is_signed_in(browser)


async def test_a_second_factor_is_offered_at_the_first_sign_in_only(api: httpx.AsyncClient):
    me, browser = await superuser(password=PASSWORD), browser_at()
    users = "/admin/users/user/"
    first = await sign_in(browser, me.user.email, page=f"{LOGIN}?next={users}")
    offered = await browser.get(first.headers["location"])
    assert (offered.url.path, offered.status_code) == (FACTORS, 200)
    assert "a stolen password is not enough" in " ".join(offered.text.split())
    assert f'<a class="button" href="{users}">Not now</a>' in offered.text
    assert (await browser.get(users)).status_code == 200
    again = await sign_in(browser_at(), me.user.email, page=f"{LOGIN}?next={users}")
    assert again.headers["location"] == users


async def test_nothing_is_offered_to_an_account_with_a_factor(api: httpx.AsyncClient):
    me, browser = await superuser(password=PASSWORD), browser_at()
    app, _ = await enrol_totp(api, me)
    step = (await sign_in(browser, me.user.email)).headers["location"]
    assert step.startswith("/admin/login/second-step/")
    assert (await submit(browser, step, code=app.code())).headers["location"] == HOME
    assert "Not now" not in (await browser.get(f"{FACTORS}?next={HOME}")).text


async def test_first_superuser_is_led_to_the_required_factor_and_into_the_admin(api: httpx.AsyncClient, settings):
    settings.REQUIRE_STAFF_SECOND_FACTOR = True
    me, browser = await superuser(password=PASSWORD), browser_at()
    first = await sign_in(browser, me.user.email)
    offered = (await browser.get(first.headers["location"])).text
    assert "Add one to continue." in offered
    assert "Not now" not in offered
    assert [(await browser.get(page)).status_code for page in (FACTORS, PASSKEY, REAUTHENTICATION)] == [200] * 3
    _, enrolled = await add_app(browser)
    assert "I have stored them, continue" in enrolled.text
    assert await is_signed_in(browser)
