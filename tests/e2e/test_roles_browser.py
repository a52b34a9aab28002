"""Each ready-made role in a real browser: its menu, the pages that it opens, and a clear page for all others; the API
says the same."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browser import sign_in_as
from tests.support.people import PASSWORD, Person, sign_up
from tests.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

MAKE_STAFF = "UPDATE users SET is_staff = true WHERE id = %(user)s"
GIVE = "INSERT INTO users_groups (user_id, group_id) SELECT %(user)s, id FROM auth_group WHERE name = %(role)s"
# The lists of the menu.
LISTS = {
    "Customers": "users/user/",
    "API keys": "api_keys/apikey/",
    "Ledger": "credits/credittransaction/",
    "Approvals": "credits/creditapproval/",
    "Plans": "plans/plan/",
    "Sessions": "authentication/session/",
    "Audit events": "audit/auditevent/",
    "People": "users/staffmember/",
    "Roles": "users/role/",
    "Invitations": "users/invitation/",
    "Outgoing messages": "mail/outgoingmail/",
}
# The same at the API, about customer {id}, where that has it for others than the owner.
READS = {
    "Customers": "/users",
    "API keys": "/users/{id}/api-keys",
    "Approvals": "/credits/approvals",
    "Sessions": "/users/{id}/sessions",
    "Roles": "/roles",
}
# Operations on customer {id}, and the same at the API: method, path and body.
OPERATIONS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "suspend": ("users/user/deactivate/?id={id}", "PATCH", "/users/{id}", {"is_active": False}),
    "change plan": ("users/user/change_plan/?id={id}", "PATCH", "/users/{id}", {"plan": "pro"}),
    "create key": ("api_keys/apikey/add/?user={id}", "POST", "/users/{id}/api-keys", {"name": "key"}),
    "unlock": ("users/user/unlock/?id={id}", "POST", "/users/{id}/unlock", {}),
    "post": ("credits/creditbalance/post/?id={id}", "POST", "/users/{id}/credits", {"amount": "1", "type": "goodwill"}),
    "create plan": ("plans/plan/add/", "POST", "/plans", {"name": "{role}"}),
    "create role": ("users/role/add/", "POST", "/roles", {"name": "made by {role}", "scopes": []}),
}
CUSTOMERS = {"Customers", "People"}
CREDITS = {"Ledger", "Approvals"}
SUPPORT = CUSTOMERS | CREDITS | {"API keys", "Sessions", "Audit events", "Invitations"}
MENUS = {
    "support": SUPPORT,
    "finance": CUSTOMERS | CREDITS | {"Plans", "Audit events", "Invitations"},
    "operations": SUPPORT - CREDITS | {"Plans", "Outgoing messages"},
    "auditor": set(LISTS),
    "administrator": set(LISTS),
}
MAY: dict[str, set[str]] = {
    "support": {"suspend", "create key", "unlock"},
    "finance": {"post", "create plan"},
    "operations": {"create plan"},
    "auditor": set(),
    "administrator": set(OPERATIONS),
}


@pytest.fixture
def visitor(chromium: Browser, server: Server) -> Iterator[BrowserContext]:
    """A browser without a session."""
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(15_000)
    yield context
    context.close()


def _colleague(server: Server, client: httpx.Client, role: str) -> Person:
    person = sign_up(client)
    with psycopg.connect(server.database_url) as connection:
        connection.execute(MAKE_STAFF, {"user": person.id})
        connection.execute(GIVE, {"user": person.id, "role": role})
    return person


@pytest.mark.parametrize("role", MENUS)
def test_role_opens_what_it_may(
    visitor: BrowserContext, server: Server, client: httpx.Client, person: Person, role: str
):
    colleague, page = _colleague(server, client, role), visitor.new_page()
    sign_in_as(page, colleague.email, PASSWORD)
    links = page.get_by_role("navigation", name="Menu").locator("a[href^='/admin/']")
    menu = {link.get_attribute("href"): link.inner_text() for link in links.all()}
    found = {name for name, path in LISTS.items() if f"/admin/{path}" in menu}
    assert found == MENUS[role]
    for name, path in LISTS.items():
        _expect(page, f"/admin/{path}", allowed=name in MENUS[role])
    for name, (path, *_) in OPERATIONS.items():
        _expect(page, f"/admin/{path.format(id=person.id)}", allowed=name in MAY[role])
    assert _at_the_api(colleague, person, role) == (MENUS[role] & READS.keys(), MAY[role])


def _expect(page: Page, path: str, *, allowed: bool) -> None:
    """Open the page: its form or list, or the page that says what is missing, with the menu."""
    response = page.goto(path)
    assert response is not None
    assert response.status == (200 if allowed else 403), path
    if not allowed:
        expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
        expect(page.get_by_text("ask a member of staff who manages roles")).to_be_visible()
        expect(page.get_by_role("navigation", name="Menu")).to_be_visible()


def _at_the_api(colleague: Person, customer: Person, role: str) -> tuple[set[str], set[str]]:
    """Return which lists and operations the role may at the API; the others are refused with 403."""
    reads = {name: _status(colleague, "GET", path.format(id=customer.id), None) for name, path in READS.items()}
    done = {
        name: _status(colleague, method, path.format(id=customer.id), _named(body, role))
        for name, (_, method, path, body) in OPERATIONS.items()
    }
    assert {*reads.values(), *done.values()} <= {200, 201, 403}, (reads, done)
    return {name for name, status in reads.items() if status != 403}, {
        name for name, status in done.items() if status != 403
    }


def _status(colleague: Person, method: str, path: str, body: dict[str, Any] | None) -> int:
    response = colleague.client.request(method, f"/api/v1{path}", json=body, headers=colleague.headers)
    return response.status_code


def _named(body: dict[str, Any], role: str) -> dict[str, Any]:
    return {name: value.format(role=role) if isinstance(value, str) else value for name, value in body.items()}
