"""The customer page in a real browser: each task in at most four clicks from the first page, and done once."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import sign_in_to_admin, started_chromium
from tests.support.people import PASSWORD, Person
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

CLICKS_MAXIMUM = 4


class Clicks:
    """Clicks in a page, and counts them; sending the search counts too."""

    def __init__(self, page: Page) -> None:
        self.count = 0
        self._page = page

    def find(self, email: str) -> None:
        """Find the customer from the first page by the search."""
        self._page.goto("/admin/")
        self._page.locator("#search-box").fill(email)
        self._page.locator("#search-box").press("Enter")
        self.count += 1
        expect(self._page.locator(".customer-address")).to_contain_text(email)

    def link(self, name: str, within: str = "#content") -> None:
        """Click a link."""
        self.on(self._page.locator(within).get_by_role("link", name=name, exact=True))

    def on(self, shown: Locator) -> None:
        """Click what is shown."""
        shown.click()
        self.count += 1


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """The administrator's page; after the test it has logged no error."""
    page, errors = chromium.new_page(base_url=server.url), []
    page.set_default_timeout(15_000)
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in_to_admin(page, server)
    yield page
    assert errors == []


def _sign_in(client: httpx.Client, person: Person, password: str = PASSWORD) -> int:
    login = {"email": person.email, "password": password}
    return client.post("/api/v1/auth/login", json=login).status_code


def test_locked_out_customer_is_unlocked(page: Page, person: Person, client: httpx.Client):
    assert [_sign_in(client, person, "wrong") for _ in range(5)] == [401] * 5
    assert _sign_in(client, person) == 429
    clicks = Clicks(page)
    clicks.find(person.email)
    expect(page.locator(".customer-state")).to_contain_text("Sign-in locked")
    clicks.link("Security")
    clicks.link("Unlock")
    page.get_by_label("Reason").fill("called us")
    clicks.on(page.get_by_role("button", name="Unlock"))
    expect(page.get_by_text(f"“{person.email}” unlocked.")).to_be_visible()
    assert clicks.count <= CLICKS_MAXIMUM
    assert _sign_in(client, person) == 200


def test_timeline_says_who_did_what_and_why(page: Page, person: Person):
    clicks = Clicks(page)
    clicks.find(person.email)
    clicks.link("Suspend")
    page.get_by_label("Reason").fill("chargeback of May")
    clicks.on(page.get_by_role("button", name="Suspend"))
    expect(page.locator(".customer-state")).to_contain_text("“chargeback of May”")
    assert clicks.count <= CLICKS_MAXIMUM
    clicks = Clicks(page)
    clicks.find(person.email)
    clicks.link("Timeline")
    expect(page.locator(".customer-table tbody tr").first).to_contain_text("Reason: “chargeback of May”")
    assert clicks.count <= CLICKS_MAXIMUM


def test_note_is_added_once(page: Page, person: Person):
    page.goto(f"/admin/customers/{person.id}/notes/")
    page.get_by_label("New note").fill("Wants to be called back.")
    page.get_by_role("button", name="Add the note").dblclick()
    expect(page.get_by_text("Wants to be called back.")).to_have_count(1)
    page.reload()
    expect(page.locator(".customer-note")).to_have_count(1)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No note.")).to_be_visible()
