"""The customer page in a real browser: each task in at most four clicks from the first page, and done once."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Task
from tests.support.people import PASSWORD, Person

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def _sign_in(client: httpx.Client, person: Person, password: str = PASSWORD) -> int:
    login = {"email": person.email, "password": password}
    return client.post("/api/v1/auth/login", json=login).status_code


def test_locked_out_customer_is_unlocked(page: Page, person: Person, client: httpx.Client):
    assert [_sign_in(client, person, "wrong") for _ in range(5)] == [401] * 5
    assert _sign_in(client, person) == 429
    with Task(page) as task:
        task.find(person.email)
        expect(page.locator(".customer-state")).to_contain_text("Sign-in locked")
        task.link("Security")
        task.link("Unlock")
        page.get_by_label("Reason").fill("called us")
        task.button("Unlock")
        expect(page.get_by_text(f"“{person.email}” unlocked.")).to_be_visible()
        expect(page.get_by_text("Nothing keeps the owner from signing in.")).to_be_visible()
    assert _sign_in(client, person) == 200


def test_timeline_says_who_did_what_and_why(page: Page, person: Person):
    with Task(page) as task:
        task.find(person.email)
        task.link("Suspend")
        page.get_by_label("Reason").fill("chargeback of May")
        task.button("Suspend")
        expect(page.locator(".customer-state")).to_contain_text("“chargeback of May”")
    with Task(page) as task:
        task.find(person.email)
        task.link("Timeline")
        expect(page.locator(".customer-table tbody tr").first).to_contain_text("Reason: “chargeback of May”")


def test_note_is_added_once(page: Page, person: Person):
    page.goto(f"/admin/customers/{person.id}/notes/")
    page.get_by_label("New note").fill("Wants to be called back.")
    page.get_by_role("button", name="Add the note").dblclick()
    expect(page.get_by_text("Wants to be called back.")).to_have_count(1)
    page.reload()
    expect(page.locator(".customer-note")).to_have_count(1)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No note.")).to_be_visible()


def test_usage_is_shown_and_downloaded(page: Page, person: Person):
    with Task(page) as task:
        task.find(person.email)
        task.link("Usage")
        expect(page.get_by_role("heading", name="Calls by day (UTC)")).to_be_visible()
        expect(page.locator("svg.usage-chart rect")).to_have_count(60)
        with page.expect_download() as download:
            task.link("Download CSV")
    assert download.value.suggested_filename.startswith(f"usage-{person.id}-")
    assert download.value.path().read_text().startswith("occurred_at,request_id,key_id,cost,weight,tag")
