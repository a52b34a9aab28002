"""Whoever is not signed in leaves nothing behind at the staff door."""

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
    f"{LOGIN}?over=1",
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
    "/admin/nowhere/",
    "/nowhere",
]
COOKIES = {"no cookie": {}, "cookies of the stranger's own": {STEP_COOKIE: "A" * 43, SESSION_COOKIE: "A" * 32}}


@pytest.mark.parametrize("cookies", COOKIES.values(), ids=COOKIES.keys())
@pytest.mark.parametrize("page", PAGES)
async def test_a_page_that_is_opened(database: None, page: str, cookies: dict[str, str]):
    browser = browser_at()
    browser.cookies.update(cookies)
    for method in ("GET", "HEAD"):
        assert (await browser.request(method, page)).status_code < 500
    assert (await browser.get(page, follow_redirects=True)).status_code in {200, 404, 405}
    assert (await browser.post(page, data={"a": "1"})).status_code in {301, 302, 403, 404, 405}
    assert await rows(Session.objects.all()) == []


@pytest.mark.parametrize("page", [LOGIN, SECOND_STEP, "/admin/logout/"])
async def test_a_form_that_is_sent(database: None, page: str):
    browser = browser_at()
    browser.cookies.set(STEP_COOKIE, "A" * 43)
    answer = await submit(browser, LOGIN, page, username="nobody@example.com", password="wrong", code="123456")
    assert answer.status_code in {200, 302}
    assert await rows(Session.objects.all()) == []


async def test_it_is_told_that_the_second_step_took_too_long(database: None):
    browser = browser_at()
    browser.cookies.set(STEP_COOKIE, "A" * 43)
    assert "this took too long" in (await browser.get(SECOND_STEP, follow_redirects=True)).text
    assert "this took too long" not in (await browser_at().get(SECOND_STEP, follow_redirects=True)).text
    assert await rows(Session.objects.all()) == []
