"""The admin while the database is unavailable: 503 in one sentence, wherever the error arises."""

from typing import NoReturn

import pytest
from django.db import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from apps.backoffice.admin.staff_login import StaffLoginView
from apps.backoffice.repositories.session_store import SessionStore
from tests.support.staff_client import HOME, LOGIN, SESSION_COOKIE, browser_at


@pytest.mark.parametrize("error", [OperationalError("secret"), InterfaceError("secret"), PoolTimeout("secret")])
@pytest.mark.parametrize(("place", "name", "page"), [(SessionStore, "load", HOME), (StaffLoginView, "dispatch", LOGIN)])
async def test_page_without_a_database(
    database: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    place: type,
    name: str,
    page: str,
):
    def fail(*_args: object, **_options: object) -> NoReturn:
        raise error

    monkeypatch.setattr(place, name, fail)
    async with browser_at() as browser:
        browser.cookies.set(SESSION_COOKIE, "x" * 32)
        response = await browser.get(page)
    assert (response.status_code, "The database is unavailable. Retry shortly." in response.text) == (503, True)
    assert int(response.headers["retry-after"]) >= 1
    assert [record.exc_info for record in caplog.records if record.levelname == "ERROR"] == []


async def test_other_errors_stay_unexpected(database: None, monkeypatch: pytest.MonkeyPatch):
    def fail(*_args: object, **_options: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(SessionStore, "load", fail)
    async with browser_at() as browser:
        browser.cookies.set(SESSION_COOKIE, "x" * 32)
        assert (await browser.get(HOME)).status_code == 500
