"""The pages that links in mail lead to, in a real browser: nothing is loaded from other hosts, no error is logged."""

import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import started_chromium
from tests.support.people import PASSWORD, Person, link_mailed_to, verified
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

NEW_PASSWORD = "another long and quiet sentence"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """A page; after the test it has logged no error and requested no other host."""
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(15_000)
    page, errors, foreign_urls = context.new_page(), [], []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(server.url) else foreign_urls.append(request.url))
    yield page
    assert [text for text in errors if "status of 400" not in text and "status of 422" not in text] == []
    assert foreign_urls == []
    context.close()


def test_address_is_confirmed_by_the_link_once(page: Page, server: Server, person: Person):
    link = link_mailed_to(server, person.email, "verify-email")
    page.goto(link)
    for password, text in (("wrong", "The password is wrong."), (PASSWORD, "Your e-mail address is confirmed.")):
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("status")).to_contain_text(text)
    assert page.url == f"{server.url}/account/verify-email"
    me = person.client.get("/api/v1/users/me", headers=person.headers).json()
    assert me["email_verified_at"] is not None
    page.goto("about:blank")
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_have_text("This link is invalid or has expired.")


def test_page_without_a_token_says_what_to_do(page: Page, server: Server, person: Person):
    link = link_mailed_to(server, person.email, "verify-email")
    page.goto("/account/verify-email")
    expect(page.get_by_role("status")).to_have_text("Open the link in the message again.")
    expect(page.get_by_role("button")).to_be_hidden()
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_have_text("Your e-mail address is confirmed.")


def test_outage_is_reported_with_the_product_name(page: Page):
    page.goto("/account/forgot-password")
    page.locator("form").evaluate("form => { form.dataset.product = 'Acme'; }")
    page.route("**/api/**", lambda route: route.fulfill(status=200, body="no JSON"))
    page.get_by_label("E-mail address").fill("ann@example.com")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("status")).to_have_text("Acme is unavailable. Try again in a moment.")


def test_forgotten_password_is_reset(page: Page, server: Server, person: Person, client: httpx.Client):
    page.goto("/account/forgot-password")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("status")).to_have_text("If an account has this address, we have sent the link to it.")
    page.goto(link_mailed_to(server, person.email, "reset-password"))
    for password, text in (("password", "too common"), (NEW_PASSWORD, "Your password is set")):
        page.get_by_label("New password").fill(password)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("status")).to_contain_text(text)
    statuses = [
        client.post("/api/v1/auth/login", json={"email": person.email, "password": password}).status_code
        for password in (PASSWORD, NEW_PASSWORD)
    ]
    assert statuses == [401, 200]


def test_keys_are_listed_and_revoked_after_a_reset(page: Page, server: Server, person: Person, client: httpx.Client):
    verified(server, person)
    keys = [person.create_key(name=name) for name in ("deploy", "<b>ci</b>", "old")]
    client.post("/api/v1/auth/forgot-password", json={"email": person.email})
    page.goto(link_mailed_to(server, person.email, "reset-password"))
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is set")
    expect(page.locator("#keys-text")).to_have_text("3 keys can be used.")
    page.get_by_role("button", name="Revoke <b>ci</b>").dblclick()
    expect(page.locator("#keys-text")).to_have_text("2 keys can be used.")
    page.reload()  # shows the rest
    expect(page.get_by_role("heading", name="Your API keys")).to_be_visible()
    expect(page.locator("#keys li")).to_have_count(2)
    page.get_by_role("button", name="Revoke all").click()
    expect(page.locator("#keys-text")).to_have_text("No key that can be used is left.")
    page.reload()
    expect(page.locator("#keys-text")).to_have_text("No key that can be used is left.")
    states = [client.get("/api/v1/users/me", headers={"X-API-Key": key["api_key"]}).status_code for key in keys]
    assert states == [401] * 3


def test_link_of_a_new_key_revokes_it(page: Page, server: Server, person: Person):
    person.create_key(name="deploy")
    page.goto(link_mailed_to(server, person.email, "api-keys"))
    page.get_by_role("button", name="Revoke deploy").click()
    expect(page.get_by_role("status")).to_have_text("Revoked.")
    page.goto("/account/api-keys")
    expect(page.get_by_role("status")).to_have_text("Open the link in the message again.")


def test_invited_person_creates_an_account(
    page: Page, server: Server, administrator: dict[str, str], client: httpx.Client
):
    email = f"invited-{time.monotonic_ns()}@example.com"
    invited = client.post("/api/v1/invitations", json={"email": email}, headers=administrator)
    assert invited.status_code == 201, invited.text
    page.goto(link_mailed_to(server, email, "sign-up"))
    assert page.get_by_label("E-mail address").input_value() == email
    page.get_by_label("User name").fill(f"guest{time.monotonic_ns()}")
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("status")).to_have_text("Your account is ready. Sign in.")
    signed_in = client.post("/api/v1/auth/login", json={"email": email, "password": NEW_PASSWORD})
    assert signed_in.status_code == 200


def test_unknown_page_is_not_found(client: httpx.Client):
    for path in ("/account/", "/account/settings", "/account/verify-email/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert client.post("/account/verify-email").status_code == 405
