"""Staff add and remove their own second factors."""

from html import unescape

import httpx
import pytest

from apps.authentication.models import Session
from apps.second_factors.models import Passkey, RecoveryCode, TotpDevice
from tests.integration.backoffice.own_factors import CODE, KEY, PASSKEY, SEALED, TOTP, add_app, add_passkey, signed_in
from tests.support.accounts import audited, superuser
from tests.support.factories import PASSWORD
from tests.support.orm import make, rows
from tests.support.second_factors import Authenticator, enrol_passkey, enrol_totp, let_proofs_grow_old
from tests.support.software_authenticator import BACKUP_ELIGIBLE, PRESENT, VERIFIED, SoftwareAuthenticator
from tests.support.staff_client import (
    FACTORS,
    LOGIN,
    REAUTHENTICATION,
    SESSION_COOKIE,
    browser_at,
    follow,
    passkey_fields,
    passkey_options,
    refusals_of,
    sign_in,
    submit,
)

pytestmark = pytest.mark.integration


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
    key, sealed = KEY.findall(shown.text), SEALED.findall(shown.text)[0]
    malformed = await submit(browser, FACTORS, TOTP, code="12345x", sealed_key=sealed)
    wrong = await submit(browser, FACTORS, TOTP, code=app.wrong_code(), sealed_key=SEALED.findall(malformed.text)[0])
    assert (wrong.status_code, refusals_of(wrong)) == (200, ["The code is wrong or has been used. Enter a new one."])
    assert [KEY.findall(page.text) for page in (malformed, wrong)] == [key, key]
    assert 'src="data:image/svg+xml' in wrong.text
    assert "None. An app" in (await browser.get(FACTORS)).text
    assert await methods() == ["pwd"]
    assert CODE.search((await follow(browser, await submit(browser, FACTORS, TOTP, code=app.code()))).text)


async def test_refused_code_shows_the_key_to_the_session_that_has_seen_it_only(api: httpx.AsyncClient):
    browser, me = await signed_in(api)
    shown = await follow(browser, await submit(browser, FACTORS, TOTP))
    other = browser_at()
    await sign_in(other, me.user.email)
    for sealed in (SEALED.findall(shown.text)[0], "x", "\u00e9"):
        wrong = await submit(other, FACTORS, TOTP, code="123456", sealed_key=sealed)
        assert (wrong.status_code, KEY.search(wrong.text)) == (200, None)
    await make(TotpDevice.objects.all().delete)
    expired = await submit(browser, FACTORS, TOTP, code="123456", sealed_key=SEALED.findall(shown.text)[0])
    assert ("The time to confirm the app has expired" in expired.text, KEY.search(expired.text)) == (True, None)


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


async def test_anonymous_clients_are_redirected_to_login(database):
    for page in (FACTORS, TOTP, PASSKEY):
        assert (await browser_at().get(page)).headers["location"] == f"{LOGIN}?next={page}"
    assert await make(TotpDevice.objects.count) == 0
