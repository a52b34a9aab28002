"""Staff add and remove their own second factors; where one is required, the admin is closed without it."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from apps.authentication.models import Session
from apps.second_factors.models import Passkey, RecoveryCode, TotpDevice
from tests.support.accounts import Account, audited, superuser
from tests.support.factories import PASSWORD
from tests.support.orm import make, rows
from tests.support.second_factors import Authenticator, enrol_passkey, enrol_totp, let_proofs_grow_old
from tests.support.software_authenticator import BACKUP_ELIGIBLE, PRESENT, VERIFIED, SoftwareAuthenticator
from tests.support.staff_client import (
    FACTORS,
    HOME,
    LOGIN,
    REAUTHENTICATION,
    SESSION_COOKIE,
    browser_at,
    follow,
    is_signed_in,
    passkey_fields,
    passkey_options,
    refusals_of,
    sign_in,
    submit,
)

pytestmark = pytest.mark.integration

TOTP, PASSKEY = f"{FACTORS}totp/", f"{FACTORS}passkey/"
KEY = re.compile(r'id="totp-key"[^>]*>([A-Z2-7]{32})<')
CODE = re.compile(r"<code>([0-9A-Z-]{27})</code>")


async def signed_in(api: httpx.AsyncClient) -> tuple[httpx.AsyncClient, Account]:
    """Return a browser in which a superuser without second factors has just signed in."""
    me, browser = await superuser(password=PASSWORD), browser_at()
    assert (await sign_in(browser, me.user.email)).status_code == 302
    return browser, me


async def add_app(browser: httpx.AsyncClient) -> tuple[Authenticator, httpx.Response]:
    """Add an authenticator app, and return it with the response to its first code."""
    shown = await follow(browser, await submit(browser, FACTORS, TOTP))
    assert (shown.status_code, shown.headers["cache-control"].partition(",")[0]) == (200, "no-store")
    found = KEY.search(shown.text)
    assert found
    assert 'src="data:image/svg+xml' in shown.text
    app = Authenticator(found[1])
    confirmed = await submit(browser, FACTORS, TOTP, code=app.code())
    return app, await follow(browser, confirmed) if confirmed.status_code == 302 else confirmed


async def add_passkey(
    browser: httpx.AsyncClient, name: str = "laptop", **device: Any
) -> tuple[SoftwareAuthenticator, httpx.Response]:
    """Add a passkey, and return its authenticator with the response."""
    authenticator, page = SoftwareAuthenticator(**device), await browser.get(PASSKEY)
    fields = passkey_fields(page, authenticator.create(passkey_options(page)))
    added = await browser.post(PASSKEY, data={**fields, "name": name})
    is_first = added.headers.get("location", FACTORS) != FACTORS
    return authenticator, await follow(browser, added) if is_first else added


async def methods() -> list[str]:
    (session,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    return session.methods


async def test_app_is_added_with_recovery_codes(api: httpx.AsyncClient):
    browser, me = await signed_in(api)
    before = browser.cookies[SESSION_COOKIE]
    _, response = await add_app(browser)
    codes = CODE.findall(response.text)
    assert (response.status_code, response.headers["cache-control"].partition(",")[0]) == (200, "no-store")
    assert len(set(codes)) == 10
    assert await methods() == ["otp", "pwd"]
    assert browser.cookies[SESSION_COOKIE] != before
    page = (await browser.get(FACTORS)).text
    assert ("10 left" in page, CODE.search(page), KEY.search(page)) == (True, None, None)
    (device,) = await rows(TotpDevice.objects.all())
    assert (device.user_id, device.confirmed_at is not None) == (me.id, True)
    assert ("second_factor.added", me.id, me.id) in await audited()


async def test_app_counts_only_after_confirmation(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    shown = await follow(browser, await submit(browser, FACTORS, TOTP))
    app = Authenticator(KEY.findall(shown.text)[0])
    wrong = await submit(browser, FACTORS, TOTP, code=app.wrong_code())
    assert (wrong.status_code, refusals_of(wrong)) == (200, ["The code is wrong or has been used. Enter a new one."])
    assert KEY.search(wrong.text) is None
    assert "None. An app" in (await browser.get(FACTORS)).text
    assert await methods() == ["pwd"]
    assert CODE.search((await follow(browser, await submit(browser, FACTORS, TOTP, code=app.code()))).text)


@pytest.mark.parametrize("code", ["", "x", "12345", "\N{FULLWIDTH DIGIT ONE}23456", "1" * 50, "12 34\x00"])
async def test_malformed_code_is_refused(api: httpx.AsyncClient, code: str):
    browser, _ = await signed_in(api)
    await submit(browser, FACTORS, TOTP)
    response = await submit(browser, FACTORS, TOTP, code=code)
    assert response.status_code == 200
    assert 'class="errorlist"' in response.text or refusals_of(response)
    assert await methods() == ["pwd"]


async def test_passkey_is_added(api: httpx.AsyncClient):
    browser, me = await signed_in(api)
    _, response = await add_passkey(browser, "<b>my laptop</b>")
    assert len(CODE.findall(response.text)) == 10
    assert await methods() == ["hwk", "pwd"]
    (passkey,) = await rows(Passkey.objects.all())
    assert (passkey.user_id, passkey.name) == (me.id, "<b>my laptop</b>")
    page = (await browser.get(FACTORS)).text
    assert "&lt;b&gt;my laptop" in page
    _, second = await add_passkey(browser)
    assert (second.status_code, second.headers["location"]) == (302, FACTORS)


async def test_backup_eligible_passkey_is_a_software_key(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    await add_passkey(browser, flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE)
    (passkey,) = await rows(Passkey.objects.all())
    assert (passkey.is_backup_eligible, passkey.is_backed_up) == (True, False)
    assert await methods() == ["pwd", "swk"]


async def test_passkey_without_the_challenge_is_refused(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    page, another = await browser.get(PASSKEY), await browser.get(PASSKEY)
    fields = passkey_fields(page, SoftwareAuthenticator().create(passkey_options(another)))
    response = await browser.post(PASSKEY, data={**fields, "name": "kept"})
    assert (response.status_code, len(refusals_of(response))) == (200, 1)
    assert 'value="kept"' in response.text
    for broken in ({"credential": "{}"}, {"name": ""}, {"name": "x" * 101}, {"challenge": "x"}):
        assert (await browser.post(PASSKEY, data={**fields, **broken})).status_code == 200
    assert (await rows(Passkey.objects.all()), await methods()) == ([], ["pwd"])


async def test_factors_are_removed(api: httpx.AsyncClient):
    browser, me = await signed_in(api)
    await add_app(browser)
    await add_passkey(browser)
    (passkey,) = await rows(Passkey.objects.all())
    for fields in ({"action": "remove_totp"}, {"action": "remove_passkey", "passkey": str(passkey.pk)}):
        response = await submit(browser, FACTORS, **fields)
        assert (response.status_code, response.headers["location"]) == (302, FACTORS)
    assert (await rows(TotpDevice.objects.all()), await rows(Passkey.objects.all())) == ([], [])
    removed = [entry for entry in await audited() if entry[0] == "second_factor.removed"]
    assert [actor for _, _, actor in removed] == [me.id, me.id]


async def test_new_recovery_codes_replace_the_old(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    _, first = await add_app(browser)
    response = await follow(browser, await submit(browser, FACTORS, action="renew_recovery_codes"))
    codes = CODE.findall(response.text)
    assert (len(codes), set(codes) & set(CODE.findall(first.text))) == (10, set())
    assert len(await rows(RecoveryCode.objects.all())) == 10


@pytest.mark.parametrize("fields", [{}, {"action": "x"}, {"action": "remove_totp"}, {"action": "renew_recovery_codes"}])
async def test_missing_factor_is_not_removed(api: httpx.AsyncClient, fields: dict[str, str]):
    browser, _ = await signed_in(api)
    response = await submit(browser, FACTORS, **fields)
    assert response.headers["location"] == FACTORS
    assert "This second factor does not exist or was removed." in unescape((await browser.get(FACTORS)).text)


async def test_factors_of_others_are_not_removed(api: httpx.AsyncClient):
    other = await superuser(password=PASSWORD)
    await enrol_passkey(api, other)
    (theirs,) = await rows(Passkey.objects.all())
    browser, _ = await signed_in(api)
    await submit(browser, FACTORS, action="remove_passkey", passkey=str(theirs.pk))
    assert len(await rows(Passkey.objects.all())) == 1


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        (TOTP, {}),
        (TOTP, {"code": "123456"}),
        (FACTORS, {"action": "remove_totp"}),
        (FACTORS, {"action": "renew_recovery_codes"}),
        (FACTORS, {"action": "remove_passkey", "passkey": "1"}),
    ],
)
async def test_changes_need_recent_authentication(api: httpx.AsyncClient, page: str, fields: dict[str, str]):
    browser, me = await signed_in(api)
    await enrol_totp(api, me)
    await let_proofs_grow_old()
    response = await submit(browser, FACTORS, page, **fields)
    assert response.headers["location"] == f"{REAUTHENTICATION}?next={page}"
    assert (await browser.get(PASSKEY)).headers["location"] == f"{REAUTHENTICATION}?next={PASSKEY}"
    (device,) = await rows(TotpDevice.objects.all())
    assert device.confirmed_at is not None


async def test_forged_form_changes_nothing(api: httpx.AsyncClient):
    browser, me = await signed_in(api)
    await enrol_totp(api, me)
    for page in (FACTORS, TOTP, PASSKEY):
        assert (await browser.post(page, data={"action": "remove_totp"})).status_code == 403
    assert len(await rows(TotpDevice.objects.all())) == 1


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


async def test_anonymous_clients_are_redirected_to_login(database):
    for page in (FACTORS, TOTP, PASSKEY):
        assert (await browser_at().get(page)).headers["location"] == f"{LOGIN}?next={page}"
    assert await make(TotpDevice.objects.count) == 0


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
