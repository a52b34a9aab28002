"""Signing in to the admin in a real browser: second factors are added and required, sessions are listed and ended."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import started_chromium
from tests.support.people import link_mailed_to
from tests.support.second_factors import Authenticator
from tests.support.server import ADMINISTRATOR_EMAIL, Server, separate_database, start_server
from tests.support.virtual_authenticator import VirtualAuthenticator

COLLEAGUES_PASSWORD = "a lamp beside the window"

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def keyhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose administrator has no second factor yet, and must add one."""
    name = f"keyhouse_staff_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_server(database_url, tmp_path_factory.mktemp("staff"), REQUIRE_STAFF_SECOND_FACTOR="true") as served,
    ):
        yield served
        assert "Traceback" not in served.errors


@pytest.fixture
def context(chromium: Browser, keyhouse: Server) -> Iterator[BrowserContext]:
    context = _context(chromium, keyhouse)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; after the test the content security policy has refused nothing."""
    page, errors = context.new_page(), []
    page.on("console", lambda line: errors.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


def test_staff_add_and_use_a_second_factor_and_end_a_session(chromium: Browser, page: Page, keyhouse: Server):
    _give_password(page, keyhouse)
    expect(page.get_by_text("Add one to continue.")).to_be_visible()
    app, codes = _add_app(page)
    page.get_by_role("link", name="I have stored them, continue").click()
    expect(page.get_by_role("heading", name="Back office")).to_be_visible()

    other_context = _context(chromium, keyhouse)
    other = other_context.new_page()
    _give_password(other, keyhouse)
    other.get_by_label("Code").fill(app.wrong_code())
    other.get_by_role("button", name="Confirm").click()
    expect(other.get_by_text("The code is wrong or has been used.")).to_be_visible()
    other.goto("/admin/")
    expect(other.get_by_role("button", name="Log in")).to_be_visible()
    _give_password(other, keyhouse)
    other.get_by_label("Code").fill(codes[0])
    other.get_by_role("button", name="Confirm").click()
    expect(other.get_by_role("heading", name="Back office")).to_be_visible()

    page.locator("#user-tools summary").click()
    page.get_by_role("link", name="Your sessions").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.locator("#result_list tbody tr", has_not_text="this session").get_by_role("button", name="End").click()
    expect(page.get_by_text("The session has ended.")).to_be_visible()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    other.reload()
    expect(other.get_by_role("button", name="Log in")).to_be_visible()
    other_context.close()


def test_wrong_code_keeps_the_scanned_key_and_recovery_codes_are_copied_and_printed(
    context: BrowserContext, page: Page, keyhouse: Server
):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    _give_password(page, keyhouse)
    page.get_by_role("button", name="Add the app").click()
    key = page.locator("#totp-key").inner_text()
    image = page.get_by_role("img", name="The key as a QR code").get_attribute("src")
    app = Authenticator(key)
    page.get_by_label("Code").fill(app.wrong_code())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("The code is wrong or has been used.")).to_be_visible()
    expect(page.locator("#totp-key")).to_have_text(key)
    expect(page.get_by_role("img", name="The key as a QR code")).to_have_attribute("src", image or "")
    page.get_by_label("Code").fill(app.code())
    page.get_by_role("button", name="Confirm").click()

    codes = page.locator(".recovery-codes code")
    expect(codes).to_have_count(10)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copy-status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == codes.all_inner_texts()
    page.evaluate("window.print = () => { window.printed = true }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed") is True
    written = codes.all_inner_texts()
    page.emulate_media(media="print")
    assert page.locator("body").inner_text().split() == written


def test_invited_colleague_chooses_a_password_and_is_led_to_a_second_factor(
    chromium: Browser, page: Page, keyhouse: Server
):
    _give_password(page, keyhouse)
    _add_app(page)
    page.goto("/admin/users/staffmember/")
    page.get_by_role("link", name="Invite a member of staff").click()
    expect(page.get_by_label("Member of staff")).to_be_checked()
    assert page.locator("input[type=password]").count() == 0
    page.get_by_label("E-mail address").fill("sue@example.com")
    page.get_by_label("support", exact=True).check()
    page.get_by_role("button", name="Send invitation", exact=True).click()
    expect(page.get_by_text("The invitation was sent to sue@example.com.")).to_be_visible()

    context = _context(chromium, keyhouse)
    colleague = context.new_page()
    colleague.goto(link_mailed_to(keyhouse, "sue@example.com", "sign-up"))
    colleague.get_by_label("User name").fill("sue")
    colleague.get_by_label("Password").fill(COLLEAGUES_PASSWORD)
    colleague.get_by_role("button", name="Create the account").click()
    colleague.get_by_role("link", name="Sign in to the back office").click()
    colleague.get_by_label("E-mail address").fill("sue@example.com")
    colleague.get_by_label("Password").fill(COLLEAGUES_PASSWORD)
    colleague.get_by_role("button", name="Log in").click()
    expect(colleague.get_by_text("Add one to continue.")).to_be_visible()
    _add_app(colleague)
    colleague.get_by_role("link", name="I have stored them, continue").click()
    expect(colleague.get_by_role("heading", name="Back office")).to_be_visible()
    menu = colleague.get_by_role("navigation", name="Menu")
    expect(menu.get_by_role("link", name="Customers")).to_be_visible()
    expect(menu.get_by_role("link", name="Roles")).to_have_count(0)
    context.close()


def test_staff_create_a_passkey_and_sign_in_with_it(context: BrowserContext, page: Page, keyhouse: Server):
    assert re.fullmatch(r"http://localhost:\d+", keyhouse.printed_url)
    VirtualAuthenticator(context.new_cdp_session(page))
    _give_password(page, keyhouse)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("my laptop")
    page.get_by_role("button", name="Create passkey").click()
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    page.get_by_role("link", name="I have stored them, continue").click()

    page.locator("#user-tools summary").click()
    page.get_by_role("button", name="Log out").click()
    _give_password(page, keyhouse)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Back office")).to_be_visible()
    page.goto("/admin/proof/?next=/admin/second-factors/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("rowheader", name="my laptop")).to_be_visible()


def _context(chromium: Browser, keyhouse: Server) -> BrowserContext:
    context = chromium.new_context(base_url=keyhouse.printed_url)
    context.set_default_timeout(15_000)
    return context


def _give_password(page: Page, keyhouse: Server) -> None:
    page.goto("/admin/")
    page.get_by_label("E-mail address").fill(ADMINISTRATOR_EMAIL)
    page.get_by_label("Password").fill(keyhouse.administrator_password)
    page.get_by_role("button", name="Log in").click()


def _add_app(page: Page) -> tuple[Authenticator, list[str]]:
    page.get_by_role("button", name="Add the app").click()
    app = Authenticator(page.locator("#totp-key").inner_text())
    page.get_by_label("Code").fill(app.code())
    page.get_by_role("button", name="Confirm").click()
    codes = page.locator(".recovery-codes code")
    expect(codes).to_have_count(10)
    return app, codes.all_inner_texts()
