"""The browser of the browser tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

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
    page.goto("/admin/")
    page.get_by_label("E-mail address").fill(ADMINISTRATOR_EMAIL)
    page.get_by_label("Password").fill(server.administrator_password)
    page.get_by_role("button", name="Log in").click()
    home, offer = page.get_by_role("heading", name="Back office"), page.get_by_role("link", name="Not now")
    expect(home.or_(offer)).to_be_visible()
    if offer.is_visible():  # a second factor is offered at the first sign-in
        offer.click()
    expect(home).to_be_visible()
