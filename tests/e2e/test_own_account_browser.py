"""The forms about one's own account in a real browser: a double click, a reload, the back button and a second tab do
what they ask for once, and nobody is signed out by them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from apps.authentication.models import Session
from apps.second_factors.models import TotpDevice
from apps.users.models import User
from tests.support.admin_forms import MAIL, Ids, staff, with_passkey
from tests.support.browser import sign_in_as
from tests.support.factories import PASSWORD
from tests.support.form_clicks import enter, leave
from tests.support.recorded import Recorded, recorded, recorded_since
from tests.support.second_factors import Authenticator
from tests.support.served_rows import ServedRows
from tests.support.server import Server
from tests.support.staff_browser import admin_session
from tests.support.virtual_authenticator import VirtualAuthenticator

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

NEW_PASSWORD = "a lamp beside the window"
# A device that waits for its owner, as real ones do.
WAITING_DEVICE = """() => {
    window.requests = 0;
    navigator.credentials.create = () => { window.requests += 1; return new Promise(() => {}); };
}"""
SESSIONS, FACTORS, PROOF = "/admin/sessions/", "/admin/second-factors/", "/admin/proof/"


@dataclass(frozen=True)
class Colleague:
    """A member of staff with two tabs of one browser, and the database."""

    id: int
    email: str
    first: Page
    second: Page
    rows: ServedRows

    def sign_in(self) -> None:
        """Sign in, to the first page."""
        sign_in_as(self.first, self.email, PASSWORD)

    def done_since(self, before: Recorded) -> tuple[tuple[str, ...], dict[str, int]]:
        """Return what was recorded since then."""
        return self.rows(recorded_since, before)


@pytest.fixture
def colleague(chromium: Browser, server: Server, rows: ServedRows) -> Iterator[Colleague]:
    """A colleague whose pages log no error."""
    context, errors = chromium.new_context(base_url=server.url), []
    context.set_default_timeout(15_000)
    context.on("console", lambda each: errors.append(each.text) if each.type in {"error", "warning"} else None)
    context.on("weberror", lambda each: errors.append(str(each.error)))
    user_id = rows(lambda: staff(password=PASSWORD, email_verified_at=timezone.now()))["user"]
    email = rows(lambda: User.objects.get(pk=user_id).email)
    yield Colleague(user_id, email, context.new_page(), context.new_page(), rows)
    context.close()
    assert errors == []


def _with_session(user_id: int) -> Ids:
    return {"session": admin_session(User.objects.get(pk=user_id)).pk}


def _with_passkey(user_id: int) -> Ids:
    Session.objects.filter(user=user_id).update(methods=["pwd", "hwk"])
    return with_passkey({"user": user_id})


def _with_app(user_id: int) -> Ids:
    Session.objects.filter(user=user_id).update(methods=["pwd", "otp"])
    TotpDevice.objects.create(user_id=user_id, secret_encrypted=b"x", confirmed_at=timezone.now())
    return {}


BUTTONS: dict[str, tuple[str, Callable[[int], Ids], str, str]] = {
    "session": (SESSIONS, _with_session, 'form:has([value="{session}"]) button', "session.ended"),
    "other sessions": (SESSIONS, _with_session, ".end-others button", "sessions.ended"),
    "app": (FACTORS, _with_app, "form:has([value=remove_totp]) button", "second_factor.removed"),
    "passkey": (FACTORS, _with_passkey, "form:has([value=remove_passkey]) button", "second_factor.removed"),
    "recovery codes": (FACTORS, _with_app, "form:has([value=renew_recovery_codes]) button", "recovery_codes.renewed"),
}


@pytest.mark.parametrize("name", BUTTONS)
def test_button_is_pressed_once(colleague: Colleague, name: str):
    colleague.sign_in()
    address, make, button, event = BUTTONS[name]
    button = button.format(**colleague.rows(make, colleague.id))
    before = colleague.rows(recorded)
    for tab in (colleague.first, colleague.second):
        tab.goto(address)
    leave(colleague.first, button, is_double=True)
    colleague.first.reload()
    colleague.first.go_back()
    leave(colleague.second, button)
    assert colleague.done_since(before)[0] == (event,)


def test_app_is_added_once(colleague: Colleague):
    colleague.sign_in()
    first, before = colleague.first, colleague.rows(recorded)
    colleague.second.goto(FACTORS)
    first.goto(FACTORS)
    first.get_by_role("button", name="Add the app").dblclick()
    app = Authenticator(first.locator("#totp-key").inner_text())
    first.get_by_label("Code").fill(app.code())
    leave(first, ".submit-row [type=submit]", is_double=True)
    expect(first.locator(".recovery-codes code")).to_have_count(10)
    first.reload()
    expect(first.get_by_text("were shown already")).to_be_visible()
    colleague.second.reload()
    expect(colleague.second.get_by_text("Remove the app")).to_be_visible()
    assert colleague.done_since(before) == (
        ("second_factor.added", "session.proven"),
        {**MAIL, "RecoveryCode": 10, "TotpDevice": 1},
    )


def test_passkey_is_added_once(colleague: Colleague):
    colleague.sign_in()
    first, before = colleague.first, colleague.rows(recorded)
    VirtualAuthenticator(first.context.new_cdp_session(first))
    first.bring_to_front()  # browsers refuse to create passkeys for pages without focus
    first.goto(f"{FACTORS}passkey/")
    first.evaluate(WAITING_DEVICE)
    first.locator("#passkey-form [type=submit]").dblclick()
    assert first.evaluate("window.requests") == 1
    first.reload()
    first.get_by_label("Name").fill("my laptop")
    leave(first, "#passkey-form [type=submit]", is_double=True)
    expect(first.locator(".recovery-codes code")).to_have_count(10)
    first.reload()
    colleague.second.goto(FACTORS)
    expect(colleague.second.get_by_role("rowheader", name="my laptop")).to_have_count(1)
    assert colleague.done_since(before) == (
        ("second_factor.added", "session.proven"),
        {**MAIL, "Passkey": 1, "RecoveryCode": 10},
    )


def test_password_is_changed_once(colleague: Colleague):
    colleague.sign_in()
    before = colleague.rows(recorded)
    for tab in (colleague.first, colleague.second):
        tab.goto("/admin/password_change/")
        enter(tab, "old_password", PASSWORD)
        enter(tab, "new_password1", NEW_PASSWORD)
        enter(tab, "new_password2", NEW_PASSWORD)
    leave(colleague.first, ".submit-row [type=submit]", is_double=True)
    colleague.first.reload()
    expect(colleague.first.get_by_role("heading", name="Password change")).to_be_visible()
    leave(colleague.second, ".submit-row [type=submit]")
    # The former password of the second tab is wrong now.
    assert colleague.done_since(before)[0] == ("user.password_changed", "password.refused")


def test_identity_is_confirmed_once(colleague: Colleague):
    colleague.sign_in()
    before = colleague.rows(recorded)
    colleague.first.goto(f"{PROOF}?next={FACTORS}")
    enter(colleague.first, "password", PASSWORD)
    leave(colleague.first, "#content form [type=submit]", is_double=True)
    expect(colleague.first.get_by_role("heading", name="Your second factors")).to_be_visible()
    assert colleague.done_since(before)[0] == ("session.proven",)


def test_sign_in_and_out_are_done_once(colleague: Colleague):
    first, second, before = colleague.first, colleague.second, colleague.rows(recorded)
    first.goto("/admin/")
    first.get_by_label("E-mail address").fill(colleague.email)
    first.get_by_label("Password").fill(PASSWORD)
    leave(first, "#content form [type=submit]", is_double=True)
    first.goto("/admin/")
    expect(first.get_by_role("heading", name="Back office")).to_be_visible()
    second.goto("/admin/")
    for tab in (first, second):
        tab.locator("#user-tools summary").click()
    leave(first, "#logout-form button", is_double=True)
    first.reload()
    leave(second, "#logout-form button")
    second.goto("/admin/")
    expect(second.get_by_role("button", name="Log in")).to_be_visible()
    assert colleague.done_since(before)[0] == ("session.started", "session.ended")
