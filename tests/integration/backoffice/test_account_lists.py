"""The lists of customers and of staff: who is in each, and the state of accounts in words."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.authentication.repositories.login_attempt_repository import LoginAttemptRepository
from apps.core.event_loop import call_service
from apps.users.models import User
from tests.integration.backoffice.pages import STAFF, USERS, only_event, text_of
from tests.support.factories import make_colleague, make_role, make_staff, make_user

pytestmark = pytest.mark.integration

LATER = timezone.now() + timedelta(hours=1)


def _emails(response: Any) -> list[str]:
    return [user.email for user in response.context["cl"].result_list]


def lock_out(user: User, times: int = 5) -> None:
    """Count so many wrong passwords of one client; the fifth locks it out."""
    for _ in range(times):
        call_service(LoginAttemptRepository().count_wrong, user.email, "203.0.113.9")


def test_customers_and_staff_are_two_lists(browser: Client, staff: User):
    customer, colleague, boss = make_user(), make_colleague(), make_user(is_superuser=True)
    assert _emails(browser.get(USERS)) == [customer.email]
    assert _emails(browser.get(STAFF)) == [boss.email, colleague.email, staff.email]
    assert _emails(browser.get(USERS, {"q": "user"})) == [customer.email]
    assert "Customers" in text_of(browser.get(USERS))
    assert "Staff" in text_of(browser.get(STAFF))


def test_pages_of_either_list_serve_every_account(browser: Client):
    colleague = make_colleague()
    for pages in (USERS, STAFF):
        assert browser.get(f"{pages}{colleague.pk}/change/").status_code == 200
    assert f"member of staff “{colleague.email}”?" in text_of(browser.get(f"{STAFF}deactivate/?id={colleague.pk}"))
    browser.post(f"{STAFF}send-password-reset/?id={colleague.pk}")
    assert only_event(action="password.reset_sent").target_id == colleague.pk


def test_staff_list_shows_roles_and_cannot_add(browser: Client):
    colleague = make_colleague("keys:read")
    role = colleague.groups.get()
    assert role.name in text_of(browser.get(STAFF))
    assert "superuser" in text_of(browser.get(STAFF))
    assert browser.get(f"{STAFF}add/").status_code == 403


def test_members_of_a_role_are_linked_in_the_list_that_has_them(browser: Client):
    of_staff, of_customers = make_role("keys:read"), make_role("keys:verify")
    page = text_of(browser.get("/admin/users/role/"))
    assert f"{STAFF}?groups__id__exact={of_staff.pk}" in page
    assert f"{USERS}?groups__id__exact={of_customers.pk}" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Active"),
        ({"is_active": False}, "Suspended"),
        ({"locked_until": LATER}, "Locked"),
        ({"locked_until": timezone.now() - timedelta(hours=1)}, "Active"),
        ({"deleted_at": timezone.now(), "is_active": False}, "Deleted"),
        ({"deleted_at": timezone.now(), "is_active": False, "erased_at": timezone.now()}, "Erased"),
    ],
)
def test_state_is_shown_in_words(browser: Client, fields: dict[str, Any], words: str):
    make_user(**fields)
    query = {"deleted": "yes"} if "deleted_at" in fields else {}
    assert f">{words}</span>" in text_of(browser.get(USERS, query))


def test_lockout_is_shown_with_its_end(browser: Client, limited: Any):
    user = make_user()
    lock_out(user, 4)
    assert ">Locked out until " not in text_of(browser.get(USERS))
    lock_out(user, 1)
    for reader in (browser, limited("customers:read", "security:read")):
        assert ">Locked out until " in text_of(reader.get(USERS))
    assert ">Locked out until " not in text_of(limited("customers:read").get(USERS))


@pytest.mark.parametrize("page", [USERS, STAFF])
def test_number_of_queries_does_not_grow(browser: Client, page: str):
    def rows(number: int) -> int:
        for _ in range(number):
            make_user(), make_staff()
        with CaptureQueriesContext(connection) as queries:
            browser.get(page)
        return len(queries)

    assert rows(1) == rows(7)
