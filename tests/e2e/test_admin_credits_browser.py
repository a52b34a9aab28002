"""Credits in a real browser: from the page of a customer to posting, balance and ledger."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.people import Person

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def _balance(client: httpx.Client, person: Person) -> str:
    return str(client.get("/api/v1/credits/balance", headers=person.headers).json()["balance"])


def _references(client: httpx.Client, person: Person) -> list[str]:
    """Return the references in the customer's ledger, newest first."""
    ledger = client.get("/api/v1/credits/transactions", headers=person.headers).json()
    return [entry["reference_id"] for entry in ledger["items"]]


def test_credits_are_posted_and_taken_back(page: Page, person: Person, client: httpx.Client):
    page.goto(f"/admin/users/user/{person.id}/change/")
    page.get_by_role("link", name="Post credits").click()
    expect(page.get_by_role("heading", name=f"Post credits to {person.email}")).to_be_visible()
    page.get_by_label("Amount").fill("12.50")
    page.get_by_label("Description").fill("paid by card")
    page.get_by_label("Reference ID").fill("invoice 7")
    page.get_by_label("Reason").fill("paid")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(f"{person.email} has 0.00 credits now, and will have 12.50.")).to_be_visible()
    page.get_by_role("button", name="Post credits").click()
    expect(page.get_by_text(f"Credits to {person.email} posted: 12.50 added.")).to_be_visible()
    expect(page.locator(".field-balance .readonly")).to_have_text("12.50")
    assert _balance(client, person) == "12.500000"

    page.get_by_role("link", name="Post credits").click()
    page.get_by_label("Amount").fill("-13")
    page.get_by_label("Type").select_option("adjustment")
    page.get_by_label("Description").fill("too much")
    page.get_by_label("Reason").fill("a typing error")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("The balance is 12.500000.")).to_be_visible()
    page.get_by_label("Amount").fill("-2.5")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Post credits").click()
    expect(page.locator(".field-balance .readonly")).to_have_text("10.00")
    assert _balance(client, person) == "10.000000"

    page.get_by_role("link", name="Entries").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    expect(page.locator("#result_list")).to_contain_text("paid by card")
    page.get_by_text("Filters").click()
    page.get_by_role("link", name="Refund").click()
    expect(page.locator("#result_list")).to_have_count(0)


def test_form_posts_once_each_time_it_is_opened(page: Page, person: Person, client: httpx.Client):
    for _ in range(2):
        page.goto(f"/admin/credits/creditbalance/post/?id={person.id}")
        page.get_by_label("Amount").fill("5")
        page.get_by_label("Description").fill("welcome")
        page.get_by_label("Reason").fill("a new customer")
        page.get_by_role("button", name="Continue").click()
        # What a second click before the response does.
        page.evaluate("""async () => {
            const form = document.getElementById("operation-form");
            await fetch(location.href, {method: "POST", body: new FormData(form), redirect: "manual"});
        }""")
        page.get_by_role("button", name="Post credits").click()
        expect(page.get_by_text(f"Credits to {person.email} posted:").first).to_be_visible()
    assert _balance(client, person) == "10.000000"
    assert len(set(_references(client, person))) == 2


def test_pages_of_credits_load(page: Page, person: Person):
    for path in (
        "/admin/credits/creditbalance/",
        f"/admin/credits/creditbalance/?q={person.email}",
        f"/admin/credits/creditbalance/{person.id}/history/",
        f"/admin/credits/credittransaction/?user__id__exact={person.id}",
    ):
        response = page.goto(path)
        assert response is not None
        assert response.status == 200
