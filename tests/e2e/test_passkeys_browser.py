"""Passkeys of a real browser, made and used on an application's page, against a served Keyhouse."""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.application_page import application_page
from tests.support.browser import started_chromium
from tests.support.people import PASSWORD, Person, sign_up, verified
from tests.support.server import Server, separate_database, start_server
from tests.support.virtual_authenticator import VirtualAuthenticator

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with application_page() as origin:
        yield origin


@pytest.fixture(scope="module")
def keyhouse(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the application's page may call, and whose passkeys it may ask for."""
    name = f"keyhouse_passkeys_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    own = {"APPLICATION_URL": origin, "CORS_ALLOWED_ORIGINS": origin}
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_server(database_url, tmp_path_factory.mktemp("passkeys"), **own) as served,
    ):
        yield served
        assert "Traceback" not in served.errors


@pytest.fixture
def client(keyhouse: Server) -> Iterator[httpx.Client]:
    with keyhouse.client() as client:
        yield client


@pytest.fixture
def person(keyhouse: Server, client: httpx.Client) -> Person:
    return verified(keyhouse, sign_up(client))


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, origin: str) -> Page:
    page = context.new_page()
    page.goto(origin)
    return page


@pytest.fixture
def authenticator(context: BrowserContext, page: Page) -> VirtualAuthenticator:
    return VirtualAuthenticator(context.new_cdp_session(page))


@pytest.fixture
def token(person: Person) -> str:
    return person.headers["Authorization"].removeprefix("Bearer ")


def create(page: Page, keyhouse: Server, token: str) -> dict[str, Any]:
    made: dict[str, Any] = page.evaluate(
        "([api, token]) => create(api, 'second-factors/passkeys', token)", [keyhouse.url, token]
    )
    assert made["status"] == 201, made
    return made


def get(page: Page, keyhouse: Server, path: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(
        "([api, path, more]) => get(api, path, more)", [keyhouse.url, path, more or {}]
    )
    return answer


def owner_of(client: httpx.Client, answer: dict[str, Any]) -> int:
    """Return who is signed in by the answer."""
    assert answer["status"] == 200, answer
    headers = {"Authorization": f"Bearer {answer['body']['access_token']}"}
    me: dict[str, int] = client.get("/api/v1/users/me", headers=headers).json()
    return me["id"]


def begin_sign_in(client: httpx.Client, person: Person) -> dict[str, Any]:
    asked = client.post("/api/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert asked.status_code == 202, asked.text
    return {"second_factor_token": asked.json()["second_factor_token"]}


def test_a_passkey_is_made_and_is_a_second_factor(
    page: Page, keyhouse: Server, client: httpx.Client, person: Person, token: str, authenticator: VirtualAuthenticator
):
    made = create(page, keyhouse, token)
    assert (made["body"]["passkey"]["name"], len(made["body"]["recovery_codes"])) == ("virtual", 10)
    listed = client.get("/api/v1/auth/second-factors", headers=person.headers).json()
    assert listed["kinds"] == ["recovery_code", "passkey"]
    answer = get(page, keyhouse, "second-factor/passkey", begin_sign_in(client, person))
    assert owner_of(client, answer) == person.id


def test_a_passkey_signs_in_without_a_password(
    page: Page, keyhouse: Server, client: httpx.Client, person: Person, token: str, authenticator: VirtualAuthenticator
):
    create(page, keyhouse, token)
    answers = [get(page, keyhouse, "passkeys") for _ in range(2)]
    assert [owner_of(client, answer) for answer in answers] == [person.id] * 2
    methods = [row["methods"] for row in client.get("/api/v1/auth/sessions", headers=person.headers).json()["items"]]
    assert methods == [["hwk", "user"], ["hwk", "user"], ["pwd"]]


def test_a_device_that_does_not_check_its_user_signs_nobody_in_alone(
    page: Page, keyhouse: Server, token: str, authenticator: VirtualAuthenticator
):
    create(page, keyhouse, token)
    authenticator.verifies_its_user(False)
    assert get(page, keyhouse, "passkeys") == {"status": 0, "body": "NotAllowedError"}


def test_a_copy_that_counts_less_is_refused(
    page: Page, keyhouse: Server, client: httpx.Client, person: Person, token: str, authenticator: VirtualAuthenticator
):
    create(page, keyhouse, token)
    made_at = authenticator.credential()["signCount"]
    for _ in range(2):
        assert get(page, keyhouse, "passkeys")["status"] == 200
    authenticator.restore_sign_count(made_at)
    refused = get(page, keyhouse, "passkeys")
    assert (refused["status"], refused["body"]["error"]["code"]) == (400, "PASSKEY_REFUSED")
    events = client.get("/api/v1/auth/events", headers=person.headers).json()["items"]
    assert (events[0]["action"], events[0]["outcome"]) == ("passkey.cloned", "failure")


def test_a_passkey_proves_a_session_again_and_the_browser_makes_no_second_one_on_the_same_device(
    page: Page, keyhouse: Server, client: httpx.Client, person: Person, token: str, authenticator: VirtualAuthenticator
):
    create(page, keyhouse, token)
    unproven = client.post("/api/v1/auth/second-factors/passkeys/options", headers=person.headers)
    assert (unproven.status_code, unproven.json()["error"]["code"]) == (401, "STEP_UP_REQUIRED")
    proven = page.evaluate("([api, token]) => reauthenticate(api, token)", [keyhouse.url, token])
    assert proven == {"status": 200, "body": {"status": "ok"}}
    name = page.evaluate(
        "([api, token]) => create(api, 'second-factors/passkeys', token).catch(error => error.name)",
        [keyhouse.url, token],
    )
    assert name == "InvalidStateError"
