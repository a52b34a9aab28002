"""The second step of signing in to the admin, for accounts with a second factor."""

from datetime import timedelta

import httpx
import pytest
from django.db.models import F

from apps.authentication.models import Session
from apps.one_time_tokens.models import OneTimeToken
from apps.second_factors.models import TotpDevice
from apps.users.models import User
from tests.support.accounts import Account, audited, superuser
from tests.support.factories import PASSWORD
from tests.support.orm import make, rows
from tests.support.second_factors import Authenticator, begin_sign_in, enrol_passkey, enrol_totp
from tests.support.staff_client import (
    HOME,
    LOGIN,
    SECOND_STEP,
    SESSION_COOKIE,
    STEP_COOKIE,
    browser_at,
    is_signed_in,
    passkey_fields,
    passkey_options,
    refusals_of,
    sign_in,
    submit,
)

pytestmark = pytest.mark.integration


async def halfway(api: httpx.AsyncClient, page: str = LOGIN) -> tuple[httpx.AsyncClient, Account, Authenticator]:
    """Return a browser after the password, the account, and the authenticator app for the second step."""
    me = await superuser(password=PASSWORD)
    app, _ = await enrol_totp(api, me)
    return await _given_the_password(me, page), me, app


async def _given_the_password(me: Account, page: str = LOGIN) -> httpx.AsyncClient:
    browser = browser_at()
    response = await sign_in(browser, me.user.email, page=page)
    assert (response.status_code, response.headers["location"].partition("?")[0]) == (302, SECOND_STEP)
    return browser


async def admin_sessions() -> list[Session]:
    return await rows(Session.objects.filter(kind=Session.Kind.ADMIN))


async def test_password_alone_opens_nothing(api: httpx.AsyncClient):
    browser, _, _ = await halfway(api)
    for page in (HOME, "/admin/users/user/", "/admin/second-factors/", "/admin/proof/", "/admin/sessions/"):
        response = await browser.get(page)
        assert response.headers["location"] == f"{LOGIN}?next={page}"
    assert SESSION_COOKIE not in browser.cookies
    assert await admin_sessions() == []


async def test_only_the_browser_holds_the_token(api: httpx.AsyncClient):
    me = await superuser(password=PASSWORD)
    await enrol_totp(api, me)
    response = await sign_in(browser_at(), me.user.email)
    cookie = next(text for text in response.headers.get_list("set-cookie") if text.startswith(STEP_COOKIE))
    assert {"HttpOnly", "Max-Age=300", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    token = cookie.split(";")[0].partition("=")[2]
    (stored,) = await rows(OneTimeToken.objects.filter(purpose="staff_second_factor"))
    assert token not in repr(vars(stored))


async def test_code_opens_the_admin(api: httpx.AsyncClient):
    browser, me, app = await halfway(api)
    response = await submit(browser, SECOND_STEP, code=app.code())
    assert (response.status_code, response.headers["location"]) == (302, HOME)
    assert await is_signed_in(browser)
    assert STEP_COOKIE not in browser.cookies
    (session,) = await admin_sessions()
    assert (session.user_id, session.methods) == (me.id, ["pwd", "otp"])
    assert (await audited())[-1] == ("session.started", session.pk, me.id)


async def test_recovery_code_opens_it_once(api: httpx.AsyncClient):
    me = await superuser(password=PASSWORD)
    _, codes = await enrol_totp(api, me)
    first, second = await _given_the_password(me), await _given_the_password(me)
    responses = [await submit(browser, SECOND_STEP, code=codes[0].lower()) for browser in (first, second)]
    assert [response.status_code for response in responses] == [302, 200]
    assert [await is_signed_in(browser) for browser in (first, second)] == [True, False]


async def test_passkey_opens_it(api: httpx.AsyncClient):
    me = await superuser(password=PASSWORD)
    authenticator = await enrol_passkey(api, me)
    browser = await _given_the_password(me)
    page = await browser.get(SECOND_STEP)
    assert 'id="code-form"' in page.text  # for recovery codes
    fields, waiting = passkey_fields(page, authenticator.get(passkey_options(page))), dict(browser.cookies)
    response = await browser.post(SECOND_STEP, data=fields)
    assert (response.status_code, await is_signed_in(browser)) == (302, True)
    (session,) = await admin_sessions()
    assert session.methods == ["pwd", "hwk", "user"]
    attacker = browser_at()
    attacker.cookies.update(waiting)
    assert (await attacker.post(SECOND_STEP, data=fields)).headers["location"].startswith(LOGIN)
    assert len(await admin_sessions()) == 1


@pytest.mark.parametrize(
    "credential",
    ["", "x", "[]", "{}", "null", "[" * 5000, '{"id": 1}', "x" * 50_000],
    ids=lambda text: text[:10] or "none",
)
async def test_malformed_passkey_credential_is_refused(api: httpx.AsyncClient, credential: str):
    browser, _, _ = await halfway(api)
    response = await submit(browser, SECOND_STEP, challenge="A" * 43, credential=credential)
    assert (response.status_code, refusals_of(response)) == (
        200,
        ["The passkey could not be verified. Try again with a passkey of this account."],
    )
    assert not await is_signed_in(browser)


async def test_passkey_of_another_account_is_refused(api: httpx.AsyncClient):
    me, other = await superuser(password=PASSWORD), await superuser(password=PASSWORD)
    await enrol_passkey(api, me)
    theirs = await enrol_passkey(api, other)
    browser = await _given_the_password(me)
    page = await browser.get(SECOND_STEP)
    response = await browser.post(SECOND_STEP, data=passkey_fields(page, theirs.get(passkey_options(page))))
    assert refusals_of(response) == ["The passkey could not be verified. Try again with a passkey of this account."]
    assert await admin_sessions() == []


async def test_wrong_code_is_refused_and_can_be_corrected(api: httpx.AsyncClient):
    browser, _, app = await halfway(api)
    wrong = await submit(browser, SECOND_STEP, code=app.wrong_code())
    assert (wrong.status_code, refusals_of(wrong)) == (200, ["The code is wrong or has been used. Enter a new one."])
    assert (not await is_signed_in(browser), await admin_sessions()) == (True, [])
    assert (await submit(browser, SECOND_STEP, code=app.code())).status_code == 302


async def test_code_is_accepted_once(api: httpx.AsyncClient):
    browser, me, app = await halfway(api)
    other, code = await _given_the_password(me), app.code()
    assert (await submit(browser, SECOND_STEP, code=code)).status_code == 302
    assert refusals_of(await submit(other, SECOND_STEP, code=code)) == [
        "The code is wrong or has been used. Enter a new one."
    ]
    assert [await is_signed_in(each) for each in (browser, other)] == [True, False]


async def test_five_wrong_codes_lock_and_return_to_login(api: httpx.AsyncClient):
    browser, me, app = await halfway(api)
    responses = [await submit(browser, SECOND_STEP, code=app.wrong_code()) for _ in range(5)]
    assert [response.status_code for response in responses] == [200] * 5
    token = {"csrfmiddlewaretoken": browser.cookies["staff_csrf"]}
    returned = await browser.post(SECOND_STEP, data={**token, "code": app.code()})
    assert (returned.status_code, returned.headers["location"].partition("?")[0]) == (302, LOGIN)
    again = await _given_the_password(me)
    locked = await submit(again, SECOND_STEP, code=app.code())
    assert (locked.status_code, refusals_of(locked)[0][:16]) == (429, "Too many wrong c")
    assert int(locked.headers["retry-after"]) >= 1
    assert await admin_sessions() == []


async def test_token_expires_after_five_minutes(api: httpx.AsyncClient):
    browser, _, app = await halfway(api)
    await make(OneTimeToken.objects.update, expires_at=F("expires_at") - timedelta(seconds=301))
    response = await browser.get(SECOND_STEP, follow_redirects=True)
    assert str(response.url.path) == LOGIN
    assert "This sign-in has expired" in response.text
    assert STEP_COOKIE not in browser.cookies
    assert (await admin_sessions(), app is not None) == ([], True)


@pytest.mark.parametrize("change", [{"password": "argon2$other"}, {"is_active": False}])
async def test_changes_during_the_sign_in_are_noticed(api: httpx.AsyncClient, change: dict[str, object]):
    browser, me, app = await halfway(api)
    await make(User.objects.filter(pk=me.id).update, **change)
    response = await submit(browser, SECOND_STEP, code=app.code())
    assert response.headers["location"].startswith(LOGIN)
    assert (await is_signed_in(browser), await admin_sessions()) == (False, [])


async def test_account_that_lost_staff_rights_is_refused(api: httpx.AsyncClient):
    browser, me, app = await halfway(api)
    await make(User.objects.filter(pk=me.id).update, is_staff=False)
    await submit(browser, SECOND_STEP, code=app.code())
    assert not await is_signed_in(browser)


async def test_admin_and_api_do_not_complete_each_others_sign_ins(api: httpx.AsyncClient):
    browser, me, app = await halfway(api)
    needed = await begin_sign_in(api, me)
    body = {"second_factor_token": browser.cookies[STEP_COOKIE], "code": app.code()}
    assert (await api.post("/api/v1/auth/second-factor", json=body)).status_code == 401
    anonymous = browser_at()
    anonymous.cookies.set(STEP_COOKIE, needed["second_factor_token"])
    assert (await anonymous.get(SECOND_STEP)).headers["location"].startswith(LOGIN)
    assert await admin_sessions() == []


@pytest.mark.parametrize(
    ("cookie", "reached"),
    [("", f"{LOGIN}?next=/admin/")]
    + [(text, f"{LOGIN}?next=/admin/&expired=1") for text in ("x", "A" * 43, "x" * 4000)],
)
async def test_second_step_needs_the_first(database, cookie: str, reached: str):
    browser = browser_at()
    if cookie:
        browser.cookies.set(STEP_COOKIE, cookie)
    assert (await browser.get(SECOND_STEP)).headers["location"] == reached


async def test_forged_second_step_is_refused(api: httpx.AsyncClient):
    browser, _, app = await halfway(api)
    response = await browser.post(SECOND_STEP, data={"code": app.code()})
    assert (response.status_code, await admin_sessions()) == (403, [])


@pytest.mark.parametrize(
    ("requested", "reached"),
    [("/admin/users/user/", "/admin/users/user/"), ("https://evil.example/", HOME), ("//x", HOME)],
)
async def test_redirects_stay_on_this_host(api: httpx.AsyncClient, requested: str, reached: str):
    me = await superuser(password=PASSWORD)
    app, _ = await enrol_totp(api, me)
    browser = browser_at()
    first = await sign_in(browser, me.user.email, page=f"{LOGIN}?next={requested}")
    response = await submit(browser, first.headers["location"], code=app.code())
    assert response.headers["location"] == reached
    await make(TotpDevice.objects.update, last_step=0)
    other = await _given_the_password(me)
    crafted = await submit(other, f"{SECOND_STEP}?next={requested}", code=app.code())
    assert crafted.headers["location"] == reached


async def test_codes_are_limited_per_address_in_admin_and_api(api: httpx.AsyncClient, settings):
    browser, me, app = await halfway(api)
    needed = await begin_sign_in(api, me)
    settings.PUBLIC_RATE_LIMIT = "1/h"
    body = {"second_factor_token": needed["second_factor_token"], "code": app.wrong_code()}
    assert (await api.post("/api/v1/auth/second-factor", json=body)).status_code == 400
    response = await submit(browser, SECOND_STEP, code=app.code())
    assert (response.status_code, await admin_sessions()) == (429, [])
