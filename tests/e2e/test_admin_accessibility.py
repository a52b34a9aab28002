"""Every page of the admin in a real browser, light and dark, on a desktop and on a phone: axe-core finds nothing
serious, no page scrolls sideways, and the browser reports nothing, so the content security policy refuses nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from apps.backoffice.admin.error_pages import FAILED, NOT_FOUND
from apps.users.models import User
from tests.support.accessibility import Inspection
from tests.support.admin_addresses import MAY_BE_REFUSED, addresses_of, make_world, names_of_pages
from tests.support.admin_forms import FORMS, customer, new_name, staff
from tests.support.browser import sign_in_as, sign_in_to_admin
from tests.support.factories import PASSWORD
from tests.support.form_clicks import enter, leave, prepare
from tests.support.node_packages import installed
from tests.support.second_factors import Authenticator
from tests.support.served_rows import ServedRows
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(900)]

OK, FORBIDDEN, MISSING, CONFLICT, BROKEN = 200, 403, 404, 409, 500
USERS, KEYS, FACTORS = "/admin/users/user/", "/admin/api_keys/apikey/", "/admin/second-factors/"
FORM = {form.name: form for form in FORMS}


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    folder = installed(Path(__file__).parents[1] / "support" / "axe")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def administrators_page(chromium: Browser, server: Server) -> Iterator[Page]:
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(30_000)
    page = context.new_page()
    sign_in_to_admin(page, server)
    yield page
    context.close()


@pytest.fixture
def inspection(administrators_page: Page, axe: str) -> Iterator[Inspection]:
    """The administrator's page, and after the test nothing is wrong with what it has looked at."""
    yield from _faultless(Inspection(administrators_page, axe))


@pytest.fixture
def colleagues_inspection(chromium: Browser, server: Server, axe: str) -> Iterator[Inspection]:
    """The same with nobody signed in."""
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(30_000)
    yield from _faultless(Inspection(context.new_page(), axe))
    context.close()


def _faultless(inspection: Inspection) -> Iterator[Inspection]:
    yield inspection
    inspection.close()
    assert (inspection.problems, inspection.reports) == ([], [])


def test_every_address(inspection: Inspection, rows: ServedRows):
    world, names = rows(make_world), names_of_pages()
    for name in sorted(names):
        refused = (FORBIDDEN,) if name.endswith(MAY_BE_REFUSED) else ()
        for address in addresses_of(name, world):
            inspection.open(address, OK, *refused)


def test_pages_before_a_change_and_with_errors(inspection: Inspection, rows: ServedRows):
    page, ids = inspection.page, {**rows(FORM["plan.change"].make), **rows(customer)}
    for name in ("plan.change", "creditbalance.post"):
        prepare(page, FORM[name], FORM[name].address.format(**ids), new_name())
        inspection.look()
    for name in ("user.add", "user.deactivate", "note.add"):
        page.goto(FORM[name].address.format(**ids))
        leave(page, FORM[name].steps[-1])
        inspection.look()


def test_page_with_a_secret(inspection: Inspection, rows: ServedRows):
    page, add = inspection.page, FORM["apikey.add"]
    prepare(page, add, add.address.format(**rows(customer)), new_name())
    leave(page, add.steps[-1])
    expect(page.locator("#secret")).to_be_visible()
    inspection.look()
    page.reload()
    expect(page.get_by_text("This secret was shown already.")).to_be_visible()
    inspection.look()


def test_pages_of_searches(inspection: Inspection, rows: ServedRows):
    page = inspection.page
    for _ in range(2):
        rows(customer, full_name="Found Twice")
    page.goto("/admin/")
    page.locator("#search-box").fill("Found Twice")
    page.locator("#search-box").press("Enter")
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    inspection.look()
    page.goto("/admin/calls/")
    page.get_by_label("Request id").fill("none")
    leave(page, "#content form [type=submit]")
    inspection.look()
    inspection.open(f"{USERS}?q=nobody-has-this-name")
    inspection.open("/admin/audit/auditevent/?target_kind=user")


def test_pages_of_errors(inspection: Inspection, rows: ServedRows):
    page, user = inspection.page, rows(customer)["user"]
    inspection.open("/admin/nothing/", MISSING)
    page.route("**/admin/broken/", _serve_broken)
    inspection.open("/admin/broken/", BROKEN)
    expect(page.get_by_role("heading", name=FAILED.title)).to_be_visible()
    page.goto(f"{USERS}{user}/change/")
    rows(lambda: User.objects.filter(pk=user).update(full_name="Ann Lee"))
    enter(page, "full_name", "Ann Smith")
    enter(page, "reason", "asked for by mail")
    leave(page, "[name=_save]")
    expect(page.get_by_text("was changed while you edited it")).to_be_visible()
    inspection.look(CONFLICT)


def _serve_broken(route: Route) -> None:
    """Serve the page of an address that is none, with the words and the status of an unexpected error."""
    response = route.fetch()
    body = response.text().replace(NOT_FOUND.title, FAILED.title).replace(NOT_FOUND.advice, FAILED.advice)
    route.fulfill(response=response, status=BROKEN, body=body)


def test_opened_menus(inspection: Inspection):
    page = inspection.page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(KEYS)
    page.locator("#user-tools summary").click()
    page.locator("#changelist-filter summary").click()
    inspection.look()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Menu").click()
    inspection.look()


def test_pages_of_signing_in_and_of_second_factors(colleagues_inspection: Inspection, rows: ServedRows):
    inspection, page, email = colleagues_inspection, colleagues_inspection.page, f"{new_name()}@example.com"
    rows(lambda: staff(password=PASSWORD, email=email))
    inspection.open("/admin/login/")
    _log_in(page, email, PASSWORD, without_cookies=True)
    expect(page.get_by_role("heading", name="This form is out of date")).to_be_visible()
    inspection.look(FORBIDDEN)
    _log_in(page, email, "a wrong password")
    inspection.look()
    sign_in_as(page, email, PASSWORD)
    page.goto(FACTORS)
    page.get_by_role("button", name="Add the app").click()
    app = Authenticator(page.locator("#totp-key").inner_text())
    inspection.look()
    page.get_by_label("Code").fill(app.code())
    leave(page, ".submit-row [type=submit]")
    expect(page.locator(".recovery-codes code")).to_have_count(10)
    inspection.look()
    for path in (FACTORS, "/admin/proof/"):
        inspection.open(path)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("#user-tools summary").click()
    leave(page, "#logout-form button")
    inspection.look()
    _log_in(page, email, PASSWORD)
    expect(page.get_by_label("Code")).to_be_visible()
    inspection.look()


def _log_in(page: Page, email: str, password: str, *, without_cookies: bool = False) -> None:
    page.goto("/admin/login/")
    if without_cookies:
        page.context.clear_cookies()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    leave(page, "#content [type=submit]")


def test_page_for_staff_without_the_right(colleagues_inspection: Inspection, rows: ServedRows):
    email = f"{new_name()}@example.com"
    rows(lambda: customer(password=PASSWORD, email=email, is_staff=True))
    sign_in_as(colleagues_inspection.page, email, PASSWORD)
    colleagues_inspection.open(USERS, FORBIDDEN)
