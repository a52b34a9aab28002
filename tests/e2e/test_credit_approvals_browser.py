"""Approvals of credits in a real browser: one member of staff asks, and another one approves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Task, sign_in_as
from tests.support.people import PASSWORD, Person, sign_up
from tests.support.server import ADMINISTRATOR_EMAIL, Server, separate_database, start_server

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

FINANCE = """
INSERT INTO users_groups (user_id, group_id) SELECT %(user)s, id FROM auth_group WHERE name = 'finance';
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where postings above 1,000 credits need approval."""
    name = f"keyhouse_approvals_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as database_url,
        start_server(database_url, tmp_path_factory.mktemp("strict"), CREDIT_APPROVAL_ABOVE="1000") as served,
    ):
        yield served


@pytest.fixture
def clients(strict: Server) -> Iterator[httpx.Client]:
    with strict.client() as client:
        yield client


@pytest.fixture
def colleague(strict: Server, clients: httpx.Client) -> Person:
    """A member of staff with the role `finance`."""
    person = sign_up(clients)
    with psycopg.connect(strict.database_url) as connection:
        connection.execute("UPDATE users SET is_staff = true WHERE id = %(user)s", {"user": person.id})
        connection.execute(FINANCE, {"user": person.id})
    return person


@contextmanager
def signed_in(chromium: Browser, server: Server, email: str, password: str) -> Iterator[Page]:
    """A page of the admin; after the test it has logged no error."""
    context = chromium.new_context(base_url=server.url)
    context.set_default_timeout(15_000)
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in_as(page, email, password)
    yield page
    context.close()
    assert errors == []


def balance_of(person: Person) -> str:
    shown = person.client.get("/api/v1/credits/balance", headers=person.headers).json()
    return str(shown["balance"])


def test_second_person_approves_large_credits(
    chromium: Browser, strict: Server, clients: httpx.Client, colleague: Person
):
    person = sign_up(clients)
    with signed_in(chromium, strict, ADMINISTRATOR_EMAIL, strict.administrator_password) as page:
        with Task(page) as task:
            task.find(person.email)
            task.link("Grant credits")
            page.get_by_label("Amount").fill("1500")
            task.choose("Type", "goodwill")
            page.get_by_label("Description").fill("Sorry for the outage")
            page.get_by_label("Reason").fill("lost a day")
            task.button("Continue")
            expect(page.get_by_text("needs approval by another member of staff")).to_be_visible()
            task.button("Ask for approval")
            expect(page.get_by_text(f"1,500.00 credits for {person.email} wait for approval")).to_be_visible()
        expect(page.get_by_role("link", name="Approve", exact=True)).to_have_count(0)
    assert balance_of(person) == "0.000000"

    with signed_in(chromium, strict, colleague.email, PASSWORD) as page, Task(page) as task:
        task.click(page.get_by_role("link", name="Approvals").first)
        task.click(page.locator("#result_list tbody tr").first.locator("th a"))
        task.link("Approve")
        expect(page.get_by_text(f"{person.email} has 0.00 credits now, and would have 1,500.00.")).to_be_visible()
        task.button("Approve")
        expect(page.get_by_text(f"Credits for {person.email} approved and posted.")).to_be_visible()
    assert balance_of(person) == "1500.000000"


def test_own_request_is_not_decided_and_reloading_asks_once(
    chromium: Browser, strict: Server, clients: httpx.Client, colleague: Person
):
    person = sign_up(clients)
    with signed_in(chromium, strict, colleague.email, PASSWORD) as page:
        page.goto(f"/admin/credits/creditbalance/post/?id={person.id}")
        page.get_by_label("Amount").fill("2000")
        page.get_by_label("Description").fill("annual plan")
        page.get_by_label("Reason").fill("bank transfer")
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name="Ask for approval").click()
        expect(page.get_by_text("wait for approval by another person")).to_be_visible()
        page.reload()
        number = page.url.rstrip("/").split("/")[-2]
        page.goto(f"/admin/credits/creditapproval/approve/?id={number}")
        expect(page.get_by_text("You have asked for these credits yourself.")).to_be_visible()
    with psycopg.connect(strict.database_url) as connection:
        asked = connection.execute("SELECT count(*) FROM credit_approvals WHERE user_id = %s", [person.id])
        assert asked.fetchone() == (1,)
    assert balance_of(person) == "0.000000"
