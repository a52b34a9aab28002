"""What ends a session of the admin, and when."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db.models import F
from django.utils import timezone

from apps.authentication.dependencies import password_service
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from apps.users.dependencies import account_update
from apps.users.models import User
from apps.users.schemas.user import UserAdministration
from tests.support.accounts import Account, audited, superuser
from tests.support.factories import PASSWORD, make_staff
from tests.support.orm import make, rows
from tests.support.sessions import sign_in as sign_in_to_api
from tests.support.staff_client import HOME, LOGIN, SESSION_COOKIE, browser_at, is_signed_in, sign_in, submit

pytestmark = pytest.mark.integration

AUTH, USERS = "/api/v1/auth", "/api/v1/users"
NEW_PASSWORD = "another long and quiet sentence"
IDLE, ABSOLUTE, MINUTE = timedelta(minutes=30), timedelta(hours=12), timedelta(minutes=1)


async def signed_in() -> tuple[httpx.AsyncClient, Account]:
    """Return a browser in which a colleague is signed in, and the colleague, who has a session of the API too."""
    user = await make(make_staff, PASSWORD, is_superuser=False)
    browser = browser_at()
    assert (await sign_in(browser, user.email)).status_code == 302
    return browser, Account(user, await make(sign_in_to_api, user))


async def admin_session() -> Session:
    (session,) = await rows(Session.objects.filter(kind=Session.Kind.ADMIN))
    return session


async def pass_time(length: timedelta, *columns: str) -> None:
    """Make the session older: its start and its last use, or only the columns named."""
    moved = columns or ("created_at", "last_used_at", "expires_at")
    await make(Session.objects.filter(kind="admin").update, **{column: F(column) - length for column in moved})


async def change_password(api: httpx.AsyncClient, me: Account, **_: Any) -> httpx.Response:
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return await api.post(f"{AUTH}/change-password", json=change, headers=me.headers)


async def set_password(me: Account, **_: Any) -> None:
    await password_service().set(OPERATOR, me.id, NEW_PASSWORD)


async def end_everywhere(api: httpx.AsyncClient, me: Account, **_: Any) -> httpx.Response:
    return await api.delete(f"{AUTH}/sessions?everywhere=true", headers=me.headers)


async def end_others(api: httpx.AsyncClient, me: Account, **_: Any) -> httpx.Response:
    return await api.delete(f"{AUTH}/sessions", headers=me.headers)


async def end_it(api: httpx.AsyncClient, me: Account, session_id: int, **_: Any) -> httpx.Response:
    return await api.delete(f"{AUTH}/sessions/{session_id}", headers=me.headers)


async def boss_ends_it(api: httpx.AsyncClient, me: Account, boss: Account, session_id: int) -> httpx.Response:
    return await api.delete(f"{USERS}/{me.id}/sessions/{session_id}", headers=boss.headers)


async def boss_ends_all(api: httpx.AsyncClient, me: Account, boss: Account, **_: Any) -> httpx.Response:
    return await api.delete(f"{USERS}/{me.id}/sessions", headers=boss.headers)


async def deactivate(api: httpx.AsyncClient, me: Account, boss: Account, **_: Any) -> httpx.Response:
    return await api.patch(f"{USERS}/{me.id}", json={"is_active": False}, headers=boss.headers)


async def delete(api: httpx.AsyncClient, me: Account, boss: Account, **_: Any) -> httpx.Response:
    return await api.delete(f"{USERS}/{me.id}", headers=boss.headers)


async def demote(me: Account, **_: Any) -> None:
    await account_update().update(OPERATOR, me.id, UserAdministration(is_staff=False))


async def shut_out(me: Account, **_: Any) -> None:
    await make(User.objects.filter(pk=me.id).update, sessions_ended_at=timezone.now())


async def lock(me: Account, **_: Any) -> None:
    await make(User.objects.filter(pk=me.id).update, locked_until=timezone.now() + MINUTE)


ENDINGS = [
    change_password, set_password, end_everywhere, end_others, end_it, boss_ends_it, boss_ends_all, deactivate, delete,
    demote, shut_out, lock,
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
async def test_session_ends_at_once(api: httpx.AsyncClient, ending: Any):
    (browser, me), boss = await signed_in(), await superuser()
    assert await is_signed_in(browser)
    response = await ending(api=api, me=me, boss=boss, session_id=(await admin_session()).pk)
    assert response is None or response.status_code in {200, 204}
    assert not await is_signed_in(browser)
    assert SESSION_COOKIE not in browser.cookies


@pytest.mark.parametrize("ending", [deactivate, demote], ids=lambda ending: ending.__name__)
async def test_restored_rights_do_not_restore_the_session(api: httpx.AsyncClient, ending: Any):
    (browser, me), boss = await signed_in(), await superuser()
    await ending(api=api, me=me, boss=boss)
    back = UserAdministration(is_active=True, is_staff=True)
    await account_update().update(OPERATOR, me.id, back)
    assert not await is_signed_in(browser)
    assert (await sign_in(browser, me.user.email, PASSWORD)).status_code == 302


async def test_logout_ends_the_session_for_a_copied_cookie(api: httpx.AsyncClient):
    browser, me = await signed_in()
    attacker = browser_at()
    attacker.cookies.set(SESSION_COOKIE, browser.cookies[SESSION_COOKIE])
    assert await is_signed_in(attacker)
    assert (await submit(browser, HOME, "/admin/logout/")).status_code == 200
    assert [await is_signed_in(browser), await is_signed_in(attacker)] == [False, False]
    session = await admin_session()
    assert session.revoked_reason == "signed out"
    assert (await audited())[-1] == ("session.ended", session.pk, me.id)
    assert (await api.get(f"{USERS}/me", headers=me.headers)).status_code == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("POST", 403)])
async def test_logout_needs_a_form_of_the_same_browser(api: httpx.AsyncClient, method: str, status: int):
    browser, _ = await signed_in()
    assert (await browser.request(method, "/admin/logout/")).status_code == status
    assert await is_signed_in(browser)
    assert (await admin_session()).revoked_at is None


async def test_unused_session_expires(api: httpx.AsyncClient):
    browser, _ = await signed_in()
    await pass_time(IDLE - MINUTE)
    assert await is_signed_in(browser)
    await pass_time(IDLE - MINUTE)
    assert await is_signed_in(browser)
    await pass_time(IDLE + MINUTE)
    assert not await is_signed_in(browser)


async def test_used_session_expires_after_twelve_hours(api: httpx.AsyncClient):
    browser, _ = await signed_in()
    await pass_time(ABSOLUTE - 10 * MINUTE, "created_at")
    await pass_time(2 * MINUTE, "last_used_at")
    assert await is_signed_in(browser)
    session = await admin_session()
    assert session.expires_at == session.created_at + ABSOLUTE
    await pass_time(11 * MINUTE)
    assert not await is_signed_in(browser)


async def test_last_use_is_stored_once_a_minute(api: httpx.AsyncClient):
    browser, _ = await signed_in()
    began = await admin_session()
    assert began.expires_at - began.last_used_at == IDLE
    await is_signed_in(browser)
    assert (await admin_session()).last_used_at == began.last_used_at
    await pass_time(2 * MINUTE, "last_used_at")
    await is_signed_in(browser)
    used = await admin_session()
    assert used.last_used_at > began.last_used_at
    assert used.expires_at - used.last_used_at == IDLE


async def test_expired_session_returns_to_the_page_after_login(api: httpx.AsyncClient):
    browser, me = await signed_in()
    await end_everywhere(api, me)
    response = await browser.get("/admin/users/user/")
    assert response.headers["location"] == f"{LOGIN}?next=/admin/users/user/"
    signed = await sign_in(browser, me.user.email, page=response.headers["location"])
    assert signed.headers["location"] == "/admin/users/user/"


async def test_admin_and_api_refuse_each_others_credentials(api: httpx.AsyncClient):
    browser, me = await signed_in()
    response = await browser.get(f"{USERS}/me")
    assert (response.status_code, "set-cookie" in response.headers) == (401, False)
    anonymous = browser_at()
    assert (await anonymous.get(HOME, headers=me.headers)).status_code == 302


async def test_new_password_keeps_only_the_browser_that_set_it(api: httpx.AsyncClient):
    browser, me = await signed_in()
    other = browser_at()
    await sign_in(other, me.user.email)
    before = browser.cookies[SESSION_COOKIE]
    form = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert (await submit(browser, "/admin/password_change/", **form)).status_code == 302
    assert [await is_signed_in(browser), await is_signed_in(other)] == [True, False]
    assert browser.cookies[SESSION_COOKIE] != before
    assert (await api.get(f"{USERS}/me", headers=me.headers)).status_code == 401
