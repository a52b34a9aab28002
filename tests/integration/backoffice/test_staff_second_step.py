"""Between the password and the admin: a second factor, where the account has one."""

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
    """Return a browser whose password was right, and the authenticator program that it is asked for."""
    me = await superuser(password=PASSWORD)
    program, _ = await enrol_totp(api, me)
    return await _given_the_password(me, page), me, program


async def _given_the_password(me: Account, page: str = LOGIN) -> httpx.AsyncClient:
    browser = browser_at()
    answer = await sign_in(browser, me.user.email, page=page)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (302, SECOND_STEP)
    return browser


async def admin_sessions() -> list[Session]:
    return await rows(Session.objects.filter(kind=Session.Kind.ADMIN))


async def test_a_right_password_alone_reaches_nothing(api: httpx.AsyncClient):
    browser, _, _ = await halfway(api)
    for page in (HOME, "/admin/users/user/", "/admin/second-factors/", "/admin/proof/", "/admin/sessions/"):
        answer = await browser.get(page)
        assert answer.headers["location"] == f"{LOGIN}?next={page}"
    assert SESSION_COOKIE not in browser.cookies
    assert await admin_sessions() == []


async def test_the_browser_alone_holds_what_waits(api: httpx.AsyncClient):
    me = await superuser(password=PASSWORD)
    await enrol_totp(api, me)
    answer = await sign_in(browser_at(), me.user.email)
    cookie = next(text for text in answer.headers.get_list("set-cookie") if text.startswith(STEP_COOKIE))
    assert {"HttpOnly", "Max-Age=300", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    token = cookie.split(";")[0].partition("=")[2]
    (stored,) = await rows(OneTimeToken.objects.filter(purpose="staff_second_factor"))
    assert token not in repr(vars(stored))


async def test_a_code_opens_the_admin(api: httpx.AsyncClient):
    browser, me, program = await halfway(api)
    answer = await submit(browser, SECOND_STEP, code=program.code())
    assert (answer.status_code, answer.headers["location"]) == (302, HOME)
    assert await is_signed_in(browser)
    assert STEP_COOKIE not in browser.cookies
    (session,) = await admin_sessions()
    assert (session.user_id, session.methods) == (me.id, ["pwd", "otp"])
    assert (await audited())[-1] == ("session.started", session.pk, me.id)


async def test_a_recovery_code_opens_it_once(api: httpx.AsyncClient):
    me = await superuser(password=PASSWORD)
    _, codes = await enrol_totp(api, me)
    first, second = await _given_the_password(me), await _given_the_password(me)
    answers = [await submit(browser, SECOND_STEP, code=codes[0].lower()) for browser in (first, second)]
    assert [answer.status_code for answer in answers] == [302, 200]
    assert [await is_signed_in(browser) for browser in (first, second)] == [True, False]


async def test_a_passkey_opens_it(api: httpx.AsyncClient):
    me = await superuser(password=PASSWORD)
    authenticator = await enrol_passkey(api, me)
    browser = await _given_the_password(me)
    page = await browser.get(SECOND_STEP)
    assert 'id="code-form"' in page.text  # for recovery codes
    fields, waiting = passkey_fields(page, authenticator.get(passkey_options(page))), dict(browser.cookies)
    answer = await browser.post(SECOND_STEP, data=fields)
    assert (answer.status_code, await is_signed_in(browser)) == (302, True)
    (session,) = await admin_sessions()
    assert session.methods == ["pwd", "hwk", "user"]
    thief = browser_at()
    thief.cookies.update(waiting)
    assert (await thief.post(SECOND_STEP, data=fields)).headers["location"].startswith(LOGIN)
    assert len(await admin_sessions()) == 1


@pytest.mark.parametrize(
    "credential",
    ["", "x", "[]", "{}", "null", "[" * 5000, '{"id": 1}', "x" * 50_000],
    ids=lambda text: text[:10] or "none",
)
async def test_what_is_no_passkeys_answer_is_refused(api: httpx.AsyncClient, credential: str):
    browser, _, _ = await halfway(api)
    answer = await submit(browser, SECOND_STEP, challenge="A" * 43, credential=credential)
    assert (answer.status_code, refusals_of(answer)) == (200, ["The passkey could not be verified."])
    assert not await is_signed_in(browser)


async def test_somebody_elses_passkey_is_refused(api: httpx.AsyncClient):
    me, other = await superuser(password=PASSWORD), await superuser(password=PASSWORD)
    await enrol_passkey(api, me)
    theirs = await enrol_passkey(api, other)
    browser = await _given_the_password(me)
    page = await browser.get(SECOND_STEP)
    answer = await browser.post(SECOND_STEP, data=passkey_fields(page, theirs.get(passkey_options(page))))
    assert refusals_of(answer) == ["The passkey could not be verified."]
    assert await admin_sessions() == []


async def test_a_wrong_code_opens_nothing_and_may_be_corrected(api: httpx.AsyncClient):
    browser, _, program = await halfway(api)
    wrong = await submit(browser, SECOND_STEP, code=program.wrong_code())
    assert (wrong.status_code, refusals_of(wrong)) == (200, ["The code is wrong or has been used."])
    assert (not await is_signed_in(browser), await admin_sessions()) == (True, [])
    assert (await submit(browser, SECOND_STEP, code=program.code())).status_code == 302


async def test_a_code_is_good_once(api: httpx.AsyncClient):
    browser, me, program = await halfway(api)
    other, code = await _given_the_password(me), program.code()
    assert (await submit(browser, SECOND_STEP, code=code)).status_code == 302
    assert refusals_of(await submit(other, SECOND_STEP, code=code)) == ["The code is wrong or has been used."]
    assert [await is_signed_in(each) for each in (browser, other)] == [True, False]


async def test_five_wrong_codes_lead_back_and_lock(api: httpx.AsyncClient):
    browser, me, program = await halfway(api)
    answers = [await submit(browser, SECOND_STEP, code=program.wrong_code()) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 5
    token = {"csrfmiddlewaretoken": browser.cookies["staff_csrf"]}
    over = await browser.post(SECOND_STEP, data={**token, "code": program.code()})
    assert (over.status_code, over.headers["location"].partition("?")[0]) == (302, LOGIN)
    again = await _given_the_password(me)
    locked = await submit(again, SECOND_STEP, code=program.code())
    assert (locked.status_code, refusals_of(locked)[0][:16]) == (429, "Too many wrong c")
    assert int(locked.headers["retry-after"]) >= 1
    assert await admin_sessions() == []


async def test_it_waits_for_five_minutes(api: httpx.AsyncClient):
    browser, _, program = await halfway(api)
    await make(OneTimeToken.objects.update, expires_at=F("expires_at") - timedelta(seconds=301))
    answer = await browser.get(SECOND_STEP, follow_redirects=True)
    assert str(answer.url.path) == LOGIN
    assert "This sign-in has expired" in answer.text
    assert STEP_COOKIE not in browser.cookies
    assert (await admin_sessions(), program is not None) == ([], True)


@pytest.mark.parametrize("change", [{"password": "argon2$other"}, {"is_active": False}])
async def test_what_has_changed_meanwhile_is_not_overlooked(api: httpx.AsyncClient, change: dict[str, object]):
    browser, me, program = await halfway(api)
    await make(User.objects.filter(pk=me.id).update, **change)
    answer = await submit(browser, SECOND_STEP, code=program.code())
    assert answer.headers["location"].startswith(LOGIN)
    assert (await is_signed_in(browser), await admin_sessions()) == (False, [])


async def test_whoever_is_staff_no_more_meanwhile_gets_nothing(api: httpx.AsyncClient):
    browser, me, program = await halfway(api)
    await make(User.objects.filter(pk=me.id).update, is_staff=False)
    await submit(browser, SECOND_STEP, code=program.code())
    assert not await is_signed_in(browser)


async def test_the_doors_do_not_complete_each_others_sign_ins(api: httpx.AsyncClient):
    browser, me, program = await halfway(api)
    needed = await begin_sign_in(api, me)
    body = {"second_factor_token": browser.cookies[STEP_COOKIE], "code": program.code()}
    assert (await api.post("/api/v1/auth/second-factor", json=body)).status_code == 401
    stranger = browser_at()
    stranger.cookies.set(STEP_COOKIE, needed["second_factor_token"])
    assert (await stranger.get(SECOND_STEP)).headers["location"].startswith(LOGIN)
    assert await admin_sessions() == []


@pytest.mark.parametrize(
    ("cookie", "reached"),
    [("", f"{LOGIN}?next=/admin/")] + [(text, f"{LOGIN}?next=/admin/&over=1") for text in ("x", "A" * 43, "x" * 4000)],
)
async def test_without_the_first_step_there_is_no_second(database, cookie: str, reached: str):
    browser = browser_at()
    if cookie:
        browser.cookies.set(STEP_COOKIE, cookie)
    assert (await browser.get(SECOND_STEP)).headers["location"] == reached


async def test_a_forged_second_step_is_refused(api: httpx.AsyncClient):
    browser, _, program = await halfway(api)
    answer = await browser.post(SECOND_STEP, data={"code": program.code()})
    assert (answer.status_code, await admin_sessions()) == (403, [])


@pytest.mark.parametrize(
    ("asked", "reached"), [("/admin/users/user/", "/admin/users/user/"), ("https://evil.example/", HOME), ("//x", HOME)]
)
async def test_it_leads_to_where_one_was_going_and_nowhere_else(api: httpx.AsyncClient, asked: str, reached: str):
    me = await superuser(password=PASSWORD)
    program, _ = await enrol_totp(api, me)
    browser = browser_at()
    first = await sign_in(browser, me.user.email, page=f"{LOGIN}?next={asked}")
    answer = await submit(browser, first.headers["location"], code=program.code())
    assert answer.headers["location"] == reached
    await make(TotpDevice.objects.update, last_step=0)
    other = await _given_the_password(me)
    crafted = await submit(other, f"{SECOND_STEP}?next={asked}", code=program.code())
    assert crafted.headers["location"] == reached


async def test_codes_are_limited_by_address_at_both_doors(api: httpx.AsyncClient, settings):
    browser, me, program = await halfway(api)
    needed = await begin_sign_in(api, me)
    settings.PUBLIC_RATE_LIMIT = "1/h"
    body = {"second_factor_token": needed["second_factor_token"], "code": program.wrong_code()}
    assert (await api.post("/api/v1/auth/second-factor", json=body)).status_code == 401
    answer = await submit(browser, SECOND_STEP, code=program.code())
    assert (answer.status_code, await admin_sessions()) == (429, [])
