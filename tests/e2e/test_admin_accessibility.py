"""Every page of the admin in a real browser, light and dark, on a desktop and on a phone: axe-core finds nothing
serious, no page scrolls sideways, and the browser reports nothing, so the content security policy refuses nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page

from apps.backoffice.admin.customer_pages import TABS
from config.apps import discover_admin_pages
from tests.support.browser import sign_in_to_admin
from tests.support.node_packages import installed
from tests.support.people import Person
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(900)]

WIDTHS = (1280, 390)
HEIGHT = 900
SERIOUS = ("serious", "critical")
SETTLED = "Promise.all(document.getAnimations().map((each) => each.finished))"
FINDINGS = """async (impacts) => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter((each) => impacts.includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3).join(" ")}`)"""
OWN = (
    "",
    "search/",
    "calls/",
    "sessions/",
    "second-factors/",
    "second-factors/passkey/",
    "proof/",
    "password_change/",
    "users/",
)

discover_admin_pages()


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    folder = installed(Path(__file__).parents[1] / "support" / "axe")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(params=["light", "dark"])
def context(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=server.url, color_scheme=request.param)
    context.set_default_timeout(30_000)
    yield context
    context.close()


def test_every_page_is_accessible_and_reports_nothing(
    context: BrowserContext, server: Server, person: Person, axe: str
):
    page, reported = context.new_page(), []
    page.on("console", lambda each: reported.append(each.text) if each.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: reported.append(f"{page.url}: {error}"))
    page.goto("/admin/login/")
    problems = _problems(page, axe)
    sign_in_to_admin(page, server)
    for path in _paths(person):
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path
        problems += _problems(page, axe)
    problems += _problems_of_opened_menus(page, axe)
    assert (problems, reported) == ([], [])


CUSTOMER_TABS = ("", "keys/", "credits/", "security/", "timeline/", "notes/")


def _paths(person: Person) -> list[str]:
    key = person.create_key(name="laptop")
    user, query = f"/admin/users/user/{person.id}", f"?id={key['id']}"
    lists = [f"admin:{model._meta.label_lower.replace('.', '_')}_changelist" for model in admin.site._registry]
    return [
        *(f"/admin/{path}" for path in OWN),
        *map(reverse, lists),
        *(f"/admin/{model}/add/" for model in ("users/user", "users/role", "plans/plan", "api_keys/apikey")),
        *(reverse(f"admin:{tab.url_name}", args=[person.id]) for tab in TABS),
        f"{user}/change/",
        f"{user}/delete/",
        f"/admin/users/user/unlock/?id={person.id}",
        *(f"/admin/customers/{person.id}/{tab}" for tab in CUSTOMER_TABS),
        f"/admin/api_keys/apikey/{key['id']}/change/",
        *(f"/admin/api_keys/apikey/{operation}/{query}" for operation in ("rotate", "revoke", "delete")),
        f"/admin/credits/creditbalance/{person.id}/change/",
    ]


def _problems(page: Page, axe: str) -> list[str]:
    """Return what is wrong with the page at each width."""
    found = []
    page.evaluate(axe)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.evaluate(SETTLED)
        found += [f"{page.url} at {width}: {finding}" for finding in page.evaluate(FINDINGS, list(SERIOUS))]
        scrolled = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{page.url} at {width}: is {scrolled} wide"] if scrolled > width else []
    return found


def _problems_of_opened_menus(page: Page, axe: str) -> list[str]:
    page.goto("/admin/api_keys/apikey/")
    page.locator("#user-tools summary").click()
    page.locator("#changelist-filter summary").click()
    found = _problems(page, axe)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Menu").click()
    return found + _problems(page, axe)
