"""Staff authenticate again where a service demands it, and return to where they were."""

import httpx
import pytest

from apps.authentication.models import Session
from apps.second_factors.models import TotpDevice
from tests.support.accounts import Account, audited, customer, superuser
from tests.support.factories import PASSWORD
from tests.support.orm import make, rows
from tests.support.second_factors import Authenticator, enrol_passkey, enrol_totp, let_proofs_grow_old
from tests.support.staff_client import (
    FACTORS,
    HOME,
    LOGIN,
    REAUTHENTICATION,
    SECOND_STEP,
    SESSION_COOKIE,
    browser_at,
    is_signed_in,
    passkey_fields,
    passkey_options,
    refusals_of,
    sign_in,
    submit,
)

pytestmark = pytest.mark.integration


async def signed_in(api: httpx.AsyncClient) -> tuple[httpx.AsyncClient, Account]:
    """Return a browser in which a superuser without second factors has been signed in for an hour."""
    me, browser = await superuser(password=PASSWORD), browser_at()
    assert (await sign_in(browser, me.user.email)).status_code == 302
    await let_proofs_grow_old()
    return browser, me


async def signed_in_with_app(api: httpx.AsyncClient) -> tuple[httpx.AsyncClient, Account, Authenticator]:
    """Return a browser in which a superuser with an authenticator app has been signed in for an hour."""
    me, browser = await superuser(password=PASSWORD), browser_at()
    app, _ = await enrol_totp(api, me)
    await sign_in(browser, me.user.email)
    assert (await submit(browser, SECOND_STEP, code=app.code())).status_code == 302
    await make(TotpDevice.objects.update, last_step=0)
    await let_proofs_grow_old()
    return browser, me, app


async def admin_session() -> Session:
    (session,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    return session


async def test_operation_redirects_to_reauthentication_and_back(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    refused = await submit(browser, FACTORS, "/admin/second-factors/totp/")
    assert refused.headers["location"] == f"{REAUTHENTICATION}?next=/admin/second-factors/totp/"
    before = browser.cookies[SESSION_COOKIE]
    confirmed = await submit(browser, refused.headers["location"], password=PASSWORD)
    assert confirmed.headers["location"] == "/admin/second-factors/totp/"
    assert browser.cookies[SESSION_COOKIE] != before
    session = await admin_session()
    assert (await audited())[-1][:2] == ("session.proven", session.pk)
    assert "shown=" in (await submit(browser, FACTORS, "/admin/second-factors/totp/")).headers["location"]


async def test_session_key_changes(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    attacker = browser_at()
    attacker.cookies.set(SESSION_COOKIE, browser.cookies[SESSION_COOKIE])
    await submit(browser, REAUTHENTICATION, password=PASSWORD)
    assert [await is_signed_in(each) for each in (browser, attacker)] == [True, False]


async def test_wrong_password_is_refused_and_counted(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    began = (await admin_session()).authenticated_at
    for _ in range(5):
        wrong = await submit(browser, REAUTHENTICATION, password="wrong")
        assert (wrong.status_code, refusals_of(wrong)) == (200, ["The current password is wrong."])
    locked = await submit(browser, REAUTHENTICATION, password=PASSWORD)
    assert (locked.status_code, int(locked.headers["retry-after"]) >= 1) == (429, True)
    assert (await admin_session()).authenticated_at == began


async def test_account_with_a_second_factor_uses_it(api: httpx.AsyncClient):
    browser, _, app = await signed_in_with_app(api)
    page = await browser.get(REAUTHENTICATION)
    assert ('id="code-form"' in page.text, 'id="password-form"' in page.text) == (True, False)
    assert 'class="errorlist"' in (await submit(browser, REAUTHENTICATION, password=PASSWORD)).text
    assert refusals_of(await submit(browser, REAUTHENTICATION, code=app.wrong_code())) == [
        "The code is wrong or has been used. Enter a new one."
    ]
    assert (await submit(browser, REAUTHENTICATION, code=app.code())).headers["location"] == HOME
    assert (await audited())[-1][0] == "session.proven"


async def test_passkey_is_accepted(api: httpx.AsyncClient):
    browser, me = await signed_in(api)
    await make(Session.objects.filter(kind="api").update, authenticated_at=(await make(_now)))
    authenticator = await enrol_passkey(api, me)
    page = await browser.get(REAUTHENTICATION)
    response = await browser.post(REAUTHENTICATION, data=passkey_fields(page, authenticator.get(passkey_options(page))))
    assert response.status_code == 302
    assert (await admin_session()).methods == ["hwk", "pwd", "user"]


def _now():
    return Session.objects.latest("id").created_at


async def test_operation_is_confirmed_again_afterwards(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    other = await customer(password=PASSWORD)
    await enrol_totp(api, other)
    operation = f"/admin/users/user/reset_second_factors/?id={other.id}"
    refused = await submit(browser, operation, reason="They asked")
    assert refused.headers["location"].startswith(f"{REAUTHENTICATION}?next=/admin/users/user/reset_second_factors/")
    assert (await rows(TotpDevice.objects.all())) != []
    back = (await submit(browser, refused.headers["location"], password=PASSWORD)).headers["location"]
    assert back == operation
    assert (await submit(browser, back, reason="They asked")).status_code == 302
    assert await rows(TotpDevice.objects.all()) == []


async def test_password_change_needs_the_second_factor(api: httpx.AsyncClient):
    browser, _, app = await signed_in_with_app(api)
    new = "another long and quiet sentence"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    refused = await submit(browser, "/admin/password_change/", **form)
    assert refused.headers["location"] == f"{REAUTHENTICATION}?next=/admin/password_change/"
    await submit(browser, REAUTHENTICATION, code=app.code())
    changed = await submit(browser, "/admin/password_change/", **form)
    assert changed.headers["location"] == "/admin/password_change/done/"


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
async def test_redirects_stay_on_this_host(api: httpx.AsyncClient, following: str):
    browser, _ = await signed_in(api)
    response = await submit(browser, f"{REAUTHENTICATION}?next={following}", password=PASSWORD)
    assert response.headers["location"] == HOME


async def test_anonymous_clients_and_forged_forms_are_refused(api: httpx.AsyncClient):
    browser, _ = await signed_in(api)
    assert (await browser_at().get(REAUTHENTICATION)).headers["location"] == f"{LOGIN}?next={REAUTHENTICATION}"
    assert (await browser.post(REAUTHENTICATION, data={"password": PASSWORD})).status_code == 403
    assert [action for action, _, _ in await audited()] == ["session.started"]
