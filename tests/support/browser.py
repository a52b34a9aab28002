"""The browser of the browser tests."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.support.server import ADMINISTRATOR_EMAIL, Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CLICKS_MAXIMUM = 4  # that a task of every day takes from the first page
# Every press of a pointer, and every choice from a list, also across pages: the storage belongs to the tab.
COUNT_CLICKS = """
if (!window.countsClicks) {
    window.countsClicks = true;
    const count = (what) => {
        sessionStorage.clicks = JSON.stringify([...JSON.parse(sessionStorage.clicks ?? "[]"), what]);
    };
    const words = (element) => element.innerText || element.value || element.outerHTML;
    addEventListener("pointerdown", (event) => { if (event.isTrusted) count(words(event.target)); }, true);
    addEventListener("change", (event) => { if (event.target.matches("select")) count(event.target.value); }, true);
}
"""
MISSING = "the browser tests need Chromium on PATH; on Debian: apt-get install chromium"


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """Start Chromium. If it is not installed, the test is skipped; in CI it fails."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def sign_in_to_admin(page: Page, server: Server) -> None:
    """Sign the administrator in, to the first page of the admin."""
    sign_in_as(page, ADMINISTRATOR_EMAIL, server.administrator_password)


def sign_in_as(page: Page, email: str, password: str) -> None:
    """Sign a member of staff in, to the first page of the admin."""
    page.goto("/admin/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    home, offer = page.get_by_role("heading", name="Back office"), page.get_by_role("link", name="Not now")
    expect(home.or_(offer)).to_be_visible()
    if offer.is_visible():  # a second factor is offered at the first sign-in
        offer.click()
    expect(home).to_be_visible()


class Task:
    """A task of staff, from the first page on. The browser counts clicks; typing, and Enter in the search, are none.

    `with Task(page) as task:` fails if the task has taken more than four clicks.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def find(self, term: str) -> None:
        """Search for what has one match, which opens."""
        self._page.locator("#search-box").fill(term)
        self._page.locator("#search-box").press("Enter")
        expect(self._page.locator("#search-box")).to_be_visible()

    def link(self, name: str) -> None:
        """Click a link of the page, not of the menu."""
        self.click(self._page.locator("#content").get_by_role("link", name=name, exact=True))

    def button(self, name: str) -> None:
        """Click a button of the page."""
        self.click(self._page.locator("#content").get_by_role("button", name=name, exact=True))

    def choose(self, label: str, option: str) -> None:
        """Choose an option of a list, which counts as a click."""
        self._page.get_by_label(label).select_option(option)

    def click(self, shown: Locator) -> None:
        """Click what is shown."""
        shown.click()

    def __enter__(self) -> Self:
        self._page.add_init_script(COUNT_CLICKS)
        self._page.goto("/admin/")
        self._page.evaluate("sessionStorage.clicks = '[]'")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            clicks = json.loads(self._page.evaluate("sessionStorage.clicks"))
            assert len(clicks) <= CLICKS_MAXIMUM, clicks
