"""The menu, the search and the colours of the admin in a real browser, by keyboard and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.people import Person

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def test_search_on_every_page_is_reached_by_a_key_and_keeps_the_term_out_of_urls(page: Page, person: Person):
    key, visited = person.create_key(name="found anywhere"), []
    page.on("request", lambda request: visited.append(request.url))
    for term in (key["api_key"], f"key:{key['id']}", "found anywhere"):
        page.goto("/admin/plans/plan/")
        page.keyboard.press("/")
        page.keyboard.type(term)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="found anywhere")).to_be_visible()
        assert page.url.endswith(f"/admin/api_keys/apikey/{key['id']}/change/")
    page.locator("#search-box").fill("@")
    page.locator("#search-box").press("Enter")
    expect(page.get_by_text("Enter at least 3 characters.")).to_be_visible()
    person.create_key(name="found twice")
    page.locator("#search-term").fill("found")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    assert not [url for url in visited if key["api_key"] in url or "anywhere" in url or "found" in url]


def test_menu_of_the_account_closes_on_escape_and_on_a_click_elsewhere(page: Page):
    opened = page.locator("#user-tools[open]")
    page.locator("#user-tools summary").press("Enter")
    expect(opened.get_by_role("link", name="Your sessions")).to_be_visible()
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(page.locator("#user-tools summary")).to_be_focused()
    page.locator("#user-tools summary").click()
    page.get_by_role("heading", name="Back office").click()
    expect(opened).to_have_count(0)


def test_menu_opens_on_a_phone_and_by_keyboard(page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    menu, button = page.get_by_role("navigation", name="Menu"), page.get_by_role("button", name="Menu")
    expect(menu).to_be_hidden()
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    menu.get_by_role("link", name="Audit events").click()
    expect(page.get_by_role("heading", name="Audit events", exact=True)).to_be_visible()
    expect(menu).to_be_hidden()


def test_chosen_colours_are_kept(page: Page):
    html, dark = page.locator("html"), page.get_by_role("button", name="Dark")
    expect(html).not_to_have_class("dark")
    page.locator("#user-tools summary").click()
    dark.click()
    expect(html).to_have_class("dark")
    page.reload()
    expect(html).to_have_class("dark")
    page.locator("#user-tools summary").click()
    expect(dark).to_have_attribute("aria-pressed", "true")
