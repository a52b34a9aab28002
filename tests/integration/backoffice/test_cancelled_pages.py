"""A client that leaves a page does not leave its statements running."""

import asyncio
from typing import Any

import pytest

from apps.core.database import page_statements
from apps.core.database.statements import fetch_rows
from apps.core.http.asgi import Message
from apps.users.admin.user_admin import UserAdmin
from apps.users.models import User
from config.asgi import application
from tests.integration.backoffice.pages import PLANS, USERS
from tests.support.factories import PASSWORD, make_staff
from tests.support.orm import make
from tests.support.staff_client import browser_at, sign_in

pytestmark = pytest.mark.integration

SLEEP = "pg_sleep(60)"
RUNNING = (
    "SELECT count(*) FROM pg_stat_activity"
    f" WHERE state = 'active' AND pid <> pg_backend_pid() AND position('{SLEEP}' in query) > 0"
)


@pytest.fixture
def slow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(_self: Any, _request: Any) -> Any:
        return User.objects.extra(where=[f"{SLEEP} IS NOT NULL"])

    monkeypatch.setattr(page_statements, "STATEMENT_SECONDS", 60)
    monkeypatch.setattr(UserAdmin, "get_queryset", rows)


async def _is_running(is_expected: bool) -> None:
    while ((await fetch_rows(RUNNING))[0][0] > 0) is not is_expected:  # noqa: ASYNC110  the server has no event
        await asyncio.sleep(0.05)


def _scope(cookies: str) -> dict[str, Any]:
    headers = [(b"host", b"keyhouse.localhost"), (b"cookie", cookies.encode())]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": USERS, "raw_path": USERS.encode(), "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 7), "server": ("keyhouse.localhost", 80),
    }  # fmt: skip


async def test_disconnect_cancels_the_statement_of_the_page(database: None, slow_list: None):
    user = await make(make_staff, PASSWORD)
    browser, sent = browser_at(), []
    await sign_in(browser, user.email)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await _is_running(is_expected=True)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(20):
        await application(_scope(cookies), receive, send)
        await _is_running(is_expected=False)
    assert sent == []
    assert (await browser.get(PLANS)).status_code == 200  # the next page has another connection
