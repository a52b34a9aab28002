"""Anonymous clients of the admin application store nothing in the database."""

import pytest
from django.contrib.sessions.models import Session

from tests.support.orm import rows
from tests.support.staff_client import (
    HOME,
    LOGIN,
    REAUTHENTICATION,
    SECOND_STEP,
    SESSION_COOKIE,
    STEP_COOKIE,
    browser_at,
    submit,
)

pytestmark = pytest.mark.integration

PAGES = [
    HOME,
    LOGIN,
    f"{LOGIN}?next=/admin/users/user/",
    f"{LOGIN}?expired=1",
    SECOND_STEP,
    f"{SECOND_STEP}?next=/admin/users/user/",
    REAUTHENTICATION,
    "/",
    "/admin/logout/",
    "/admin/sessions/",
    "/admin/second-factors/",
    "/admin/second-factors/totp/",
    "/admin/second-factors/passkey/",
    "/admin/password_change/",
    "/admin/password_change/done/",
    "/admin/jsi18n/",
    "/admin/autocomplete/",
    "/admin/users/user/",
    "/admin/users/user/1/change/",
    "/admin/missing/",
    "/missing",
]
COOKIES = {"no cookie": {}, "forged cookies": {STEP_COOKIE: "A" * 43, SESSION_COOKIE: "A" * 32}}


@pytest.mark.parametrize("cookies", COOKIES.values(), ids=COOKIES.keys())
@pytest.mark.parametrize("page", PAGES)
async def test_opened_page_stores_no_session(database: None, page: str, cookies: dict[str, str]):
    browser = browser_at()
    browser.cookies.update(cookies)
    for method in ("GET", "HEAD"):
        assert (await browser.request(method, page)).status_code < 500
    assert (await browser.get(page, follow_redirects=True)).status_code in {200, 404, 405}
    assert (await browser.post(page, data={"a": "1"})).status_code in {301, 302, 403, 404, 405}
    assert await rows(Session.objects.all()) == []


@pytest.mark.parametrize("page", [LOGIN, SECOND_STEP, "/admin/logout/"])
async def test_sent_form_stores_no_session(database: None, page: str):
    browser = browser_at()
    browser.cookies.set(STEP_COOKIE, "A" * 43)
    response = await submit(browser, LOGIN, page, username="nobody@example.com", password="wrong", code="123456")
    assert response.status_code in {200, 302}
    assert await rows(Session.objects.all()) == []


async def test_expired_second_step_is_reported(database: None):
    browser = browser_at()
    browser.cookies.set(STEP_COOKIE, "A" * 43)
    assert "This sign-in has expired" in (await browser.get(SECOND_STEP, follow_redirects=True)).text
    assert "This sign-in has expired" not in (await browser_at().get(SECOND_STEP, follow_redirects=True)).text
    assert await rows(Session.objects.all()) == []
