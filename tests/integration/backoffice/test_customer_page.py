"""The customer page: one place to read about a customer and to act, each part for those who may."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.api_keys.models import ApiKeyCounter
from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.users.dependencies import account_removal
from apps.users.models import User
from tests.integration.backoffice.customer_pages import NOW, TABS, links_on, page_of, refuse, text_on
from tests.integration.backoffice.pages import CUSTOMERS, KEYS, USERS, only_event, text_of
from tests.integration.backoffice.test_account_lists import lock_out
from tests.support.factories import give_credits, make_colleague, make_key, make_user
from tests.support.sessions import sign_in

pytestmark = pytest.mark.integration


# --- who may read what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tab", "scope"), TABS.items())
def test_each_tab_takes_its_scope(limited: Any, tab: str, scope: str):
    user = make_user()
    assert limited(*{"customers:read", scope}).get(page_of(user, tab)).status_code == 200
    others = {"keys:read", "credits:read", "security:read", "audit:read"} - {scope}
    refused = others if scope == "customers:read" else {"customers:read", *others}
    assert limited(*refused).get(page_of(user, tab)).status_code == 403


def test_page_shows_only_what_may_be_read(limited: Any):
    user = make_user()
    make_key(user, name="laptop")
    give_credits(user, 5)
    lock_out(user)
    page = text_on(limited("customers:read"), user)
    assert user.email in page
    for part in ("laptop", "Balance", "Last call", "Sign-in locked", "Suspend", "Grant credits", "Create key"):
        assert part not in page, part
    links = links_on(limited("customers:read"), user)
    assert [link for link in links if link.startswith(page_of(user))] == [page_of(user), page_of(user, "notes/")]


def test_actions_are_those_that_the_member_of_staff_may_use(browser: Client, limited: Any):
    user = make_user()
    wanted = {
        "credits:grant": f"/admin/credits/creditbalance/post/?id={user.pk}",
        "keys:write": f"{KEYS}add/?user={user.pk}",
        "customers:suspend": f"{USERS}deactivate/?id={user.pk}",
        "customers:write": f"{USERS}change_plan/?id={user.pk}",
    }
    for scope, link in wanted.items():
        reader = limited("customers:read", "keys:read", "credits:read", scope)
        assert {each for each in wanted.values() if each in links_on(reader, user)} == {link}
    assert set(wanted.values()) <= set(links_on(browser, user))
    for link in wanted.values():
        assert browser.get(link).status_code == 200, link


def test_menu_marks_the_list_of_customers(browser: Client):
    page = text_of(browser.get(page_of(make_user(), "keys/")))
    assert re.search(r'href="/admin/users/user/"[^>]*aria-current="true"', page)


@pytest.mark.parametrize("user_id", ["0", "x", "01", "9" * 30, str(2**62)])
def test_unknown_customer_is_not_found(browser: Client, user_id: str):
    assert browser.get(f"{CUSTOMERS}{user_id}/").status_code == 404
    assert browser.get(f"{CUSTOMERS}{user_id}/timeline/").status_code == 404


def test_deleted_customers_and_staff_have_a_page(browser: Client):
    gone, colleague = make_user(), make_colleague()
    call_service(account_removal().delete, OPERATOR, gone.pk)
    for tab in TABS:
        assert browser.get(page_of(gone, tab)).status_code == 200
        assert browser.get(page_of(colleague, tab)).status_code == 200
    page = text_on(browser, gone)
    assert "Deleted by the operator on" in page
    assert "Restore" in page
    assert "Grant credits" not in page


def test_sessions_of_staff_take_their_scope(limited: Any):
    colleague = make_colleague()
    sign_in(colleague)
    assert "You may not read the sessions" in text_on(
        limited("customers:read", "security:read"), colleague, "security/"
    )
    reader = limited("customers:read", "security:read", "staff:read")
    assert "You may not read the sessions" not in text_on(reader, colleague, "security/")


# --- the head -------------------------------------------------------------------------------------------------------


def test_head_shows_the_account_at_a_glance(browser: Client):
    user = make_user(email="ann@example.com", full_name="Ann Hand", email_verified_at=NOW)
    key = make_key(user, name="laptop")
    give_credits(user, Decimal("12.5"))
    ApiKeyCounter.objects.filter(pk=key.id).update(last_used_at=timezone.now() - timedelta(minutes=2))
    refuse(key, "INSUFFICIENT_CREDITS", "budget", 3)
    page = text_on(browser, user)
    assert "ann@example.com ✓ verified Active" in page
    assert "Plan free Balance 12.50 Last call" in page
    assert re.search(r"Last call \d\sminutes ago", page)
    assert re.search(r"Last refusal \d{4}-\d\d-\d\d \d\d:\d\d, key laptop : the key's budget is spent", page)
    assert "Keys 1" in page


def test_suspension_says_by_whom_and_why(browser: Client, staff: User):
    user = make_user()
    AuditEvent.objects.create(
        actor_id=staff.pk, actor_kind="session", action="user.suspended", target_kind="user", target_id=user.pk,
        reason="chargeback",
    )  # fmt: skip
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert re.search(r"Suspended by root@example.com on \S+ \S+: “chargeback”", text_on(browser, user))


def test_suspension_is_not_explained_to_those_who_may_not_read_the_trail(limited: Any):
    user = make_user(is_active=False)
    AuditEvent.objects.create(
        actor_kind="session", action="user.suspended", target_kind="user", target_id=user.pk, reason="x"
    )
    page = text_on(limited("customers:read"), user)
    assert "Suspended" in page
    assert "“x”" not in page


def test_lockouts_are_shown_with_their_end_and_ended(browser: Client, staff: User):
    user = make_user()
    lock_out(user)
    assert re.search(r"Sign-in locked Passwords from 203.0.113.9 until \d\d:\d\d", text_on(browser, user))
    unlock = f"{USERS}unlock/?id={user.pk}"
    assert unlock in links_on(browser, user, "security/")
    assert "This field is required" in text_of(browser.post(unlock, {"reason": ""}))
    answer = browser.post(unlock, {"reason": "called us"}, follow=True)
    assert answer.redirect_chain == [(page_of(user, "security/"), 302)]
    assert "Sign-in locked" not in text_of(answer)
    event = only_event(action="account.unlocked")
    assert (event.actor_id, event.target_id, event.reason) == (staff.pk, user.pk, "called us")
    assert unlock not in links_on(browser, user, "security/")
