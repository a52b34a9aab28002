"""A running Keyhouse, shared by the tests of one process, on a database of its own."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.browser import sign_in_to_admin, started_chromium
from tests.support.fleet import Fleet, start_fleet
from tests.support.people import Person, sign_up
from tests.support.served_rows import ServedRows, rows_of
from tests.support.server import ADMINISTRATOR_EMAIL, Server, separate_database, start_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers; at the end of the run it has to stop cleanly."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with (
        separate_database(os.environ["DATABASE_URL"], f"keyhouse_served_{worker}") as database_url,
        start_server(database_url, tmp_path_factory.mktemp("server")) as served,
    ):
        yield served
        assert served.stop(signal.SIGTERM) == 0, served.errors
        assert "Traceback" not in served.errors
        assert "Killing" not in served.errors


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def administrator(server: Server) -> dict[str, str]:
    """The headers of the administrator's session."""
    credentials = {"email": ADMINISTRATOR_EMAIL, "password": server.administrator_password}
    with server.client() as client:
        answer = client.post("/api/v1/auth/login", json=credentials)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
def service(server: Server) -> dict[str, str]:
    """The headers of the service that asks about keys."""
    return {"X-API-Key": server.service_key}


@pytest.fixture
def person(client: httpx.Client) -> Person:
    """Somebody who has just signed up and in."""
    return sign_up(client)


@pytest.fixture
def busy_key(client: httpx.Client, person: Person, administrator: dict[str, str]) -> dict[str, Any]:
    """A key of the person's whose own window is wider than its plan's, for tests that use it thousands of times."""
    wide = [{"name": "minute", "limit": 10**9, "period_seconds": 60}]
    body = {"name": "key", "rate_limits": wide}
    created = client.post(f"/api/v1/users/{person.id}/api-keys", json=body, headers=administrator)
    assert created.status_code == 201, created.text
    key: dict[str, Any] = created.json()
    return key


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Several servers on one database."""
    name = f"keyhouse_fleet_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_fleet(database_url, tmp_path_factory.mktemp("fleet")) as fleet,
    ):
        yield fleet
        for server in fleet.servers:
            assert server.stop(signal.SIGTERM) == 0, server.errors
            assert "Traceback" not in server.errors


@pytest.fixture(scope="module")
def rows(server: Server, django_db_blocker: Any) -> Iterator[ServedRows]:
    """Django's ORM on the server's database."""
    with django_db_blocker.unblock(), rows_of(server.database_url) as rows:
        yield rows


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser, server: Server) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=server.url, permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    """The administrator's page; after the test it has logged no error and requested no other host."""
    page, errors, foreign_urls = context.new_page(), [], []
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(server.url) else foreign_urls.append(request.url))
    sign_in_to_admin(page, server)
    yield page
    assert errors == []
    assert foreign_urls == []
