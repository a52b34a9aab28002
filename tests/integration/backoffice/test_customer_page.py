"""The customer page: one place to read about a customer and to act, each part for those who may."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.api_keys.models import ApiKeyCounter
from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.credits.models import CreditTransaction
from apps.identities.models import Identity
from apps.second_factors.models import TotpDevice
from apps.usage.models import Refusal, UsageBatch, UsageDenial
from apps.users.dependencies import account_removal
from apps.users.models import AccountNote, User
from tests.integration.backoffice.pages import CUSTOMERS, KEYS, USERS, only_event, text_of
from tests.integration.backoffice.test_account_lists import lock_out
from tests.support.factories import IssuedKey, give_credits, make_colleague, make_key, make_staff, make_user
from tests.support.sessions import sign_in

pytestmark = pytest.mark.integration

TABS = {
    "": "customers:read",
    "keys/": "keys:read",
    "credits/": "credits:read",
    "security/": "security:read",
    "timeline/": "audit:read",
    "notes/": "customers:read",
}
NOW = timezone.now()


def _page(user: User, tab: str = "") -> str:
    return f"{CUSTOMERS}{user.pk}/{tab}"


def _text(browser: Client, user: User, tab: str = "") -> str:
    """Return the text of a tab's page, without tags, in one line."""
    response = browser.get(_page(user, tab))
    assert response.status_code == 200
    body = re.sub(r"<(script|style).*?</\1>", "", text_of(response), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def _links(browser: Client, user: User, tab: str = "") -> list[str]:
    return re.findall(r'href="([^"]*)"', text_of(browser.get(_page(user, tab))))


def _refuse(key: IssuedKey, code: str, detail: str, count: int = 1, age: timedelta = timedelta(minutes=1)) -> None:
    UsageDenial.objects.create(api_key_id=key.id, minute_at=NOW - age, code=code, detail=detail, count=count)


def _use(key: IssuedKey, entry_id: int | None = None, request_id: str = "r") -> None:
    """Insert a call; the database gives it its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_events (occurred_at, user_id, api_key_id, cost, weight, credit_transaction_id, tag,"
            " request_id) VALUES (%s, %s, %s, 1, 1, %s, '', %s)",
            [NOW, key.row.user_id, key.id, entry_id, request_id],
        )


# --- who may read what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tab", "scope"), TABS.items())
def test_each_tab_takes_its_scope(limited: Any, tab: str, scope: str):
    user = make_user()
    assert limited(*{"customers:read", scope}).get(_page(user, tab)).status_code == 200
    others = {"keys:read", "credits:read", "security:read", "audit:read"} - {scope}
    refused = others if scope == "customers:read" else {"customers:read", *others}
    assert limited(*refused).get(_page(user, tab)).status_code == 403


def test_page_shows_only_what_may_be_read(limited: Any):
    user = make_user()
    make_key(user, name="laptop")
    give_credits(user, 5)
    lock_out(user)
    page = _text(limited("customers:read"), user)
    assert user.email in page
    for part in ("laptop", "Balance", "Last call", "Sign-in locked", "Suspend", "Grant credits", "Create key"):
        assert part not in page, part
    links = _links(limited("customers:read"), user)
    assert [link for link in links if link.startswith(_page(user))] == [_page(user), _page(user, "notes/")]


def test_actions_are_those_that_the_member_of_staff_may_use(browser: Client, limited: Any):
    user = make_user()
    wanted = {
        "credits:grant": f"/admin/credits/creditbalance/post/?id={user.pk}",
        "keys:write": f"{KEYS}add/?user={user.pk}",
        "customers:suspend": f"{USERS}deactivate/?id={user.pk}",
        "customers:write": f"{USERS}{user.pk}/change/#id_plan",
    }
    for scope, link in wanted.items():
        reader = limited("customers:read", "keys:read", "credits:read", scope)
        assert {each for each in wanted.values() if each in _links(reader, user)} == {link}
    assert set(wanted.values()) <= set(_links(browser, user))
    for link in wanted.values():
        assert browser.get(link).status_code == 200, link


def test_menu_marks_the_list_of_customers(browser: Client):
    page = text_of(browser.get(_page(make_user(), "keys/")))
    assert re.search(r'href="/admin/users/user/"[^>]*aria-current="true"', page)


@pytest.mark.parametrize("user_id", ["0", "x", "01", "9" * 30, str(2**62)])
def test_unknown_customer_is_not_found(browser: Client, user_id: str):
    assert browser.get(f"{CUSTOMERS}{user_id}/").status_code == 404
    assert browser.get(f"{CUSTOMERS}{user_id}/timeline/").status_code == 404


def test_deleted_customers_and_staff_have_a_page(browser: Client):
    gone, colleague = make_user(), make_colleague()
    call_service(account_removal().delete, OPERATOR, gone.pk)
    for tab in TABS:
        assert browser.get(_page(gone, tab)).status_code == 200
        assert browser.get(_page(colleague, tab)).status_code == 200
    page = _text(browser, gone)
    assert "Deleted by the operator on" in page
    assert "Restore" in page
    assert "Grant credits" not in page


def test_sessions_of_staff_take_their_scope(limited: Any):
    colleague = make_colleague()
    sign_in(colleague)
    assert "You may not read the sessions" in _text(limited("customers:read", "security:read"), colleague, "security/")
    reader = limited("customers:read", "security:read", "staff:read")
    assert "You may not read the sessions" not in _text(reader, colleague, "security/")


# --- the head -------------------------------------------------------------------------------------------------------


def test_head_shows_the_account_at_a_glance(browser: Client):
    user = make_user(email="ann@example.com", full_name="Ann Hand", email_verified_at=NOW)
    key = make_key(user, name="laptop")
    give_credits(user, Decimal("12.5"))
    ApiKeyCounter.objects.filter(pk=key.id).update(last_used_at=NOW - timedelta(minutes=2))
    _refuse(key, "INSUFFICIENT_CREDITS", "budget", 3)
    page = _text(browser, user)
    assert "ann@example.com ✓ verified Active" in page
    assert "Plan free Balance 12.5 Last call" in page
    assert re.search(r"Last call 2\sminutes ago", page)
    assert re.search(r"Last refusal \d{4}-\d\d-\d\d \d\d:\d\d, key laptop : the key's budget is spent", page)
    assert "Keys 1" in page


def test_suspension_says_by_whom_and_why(browser: Client, staff: User):
    user = make_user()
    AuditEvent.objects.create(
        actor_id=staff.pk, actor_kind="session", action="user.suspended", target_kind="user", target_id=user.pk,
        reason="chargeback",
    )  # fmt: skip
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert re.search(r"Suspended by root@example.com on \S+ \S+: “chargeback”", _text(browser, user))


def test_suspension_is_not_explained_to_those_who_may_not_read_the_trail(limited: Any):
    user = make_user(is_active=False)
    AuditEvent.objects.create(
        actor_kind="session", action="user.suspended", target_kind="user", target_id=user.pk, reason="x"
    )
    page = _text(limited("customers:read"), user)
    assert "Suspended" in page
    assert "“x”" not in page


def test_lockouts_are_shown_with_their_end_and_ended(browser: Client, staff: User):
    user = make_user()
    lock_out(user)
    assert re.search(r"Sign-in locked Passwords from 203.0.113.9 until \d\d:\d\d", _text(browser, user))
    unlock = f"{USERS}unlock/?id={user.pk}"
    assert unlock in _links(browser, user, "security/")
    assert "This field is required" in text_of(browser.post(unlock, {"reason": ""}))
    answer = browser.post(unlock, {"reason": "called us"}, follow=True)
    assert answer.redirect_chain == [(_page(user), 302)]
    assert "Sign-in locked" not in text_of(answer)
    event = only_event(action="account.unlocked")
    assert (event.actor_id, event.target_id, event.reason) == (staff.pk, user.pk, "called us")
    assert unlock not in _links(browser, user, "security/")


# --- tabs -----------------------------------------------------------------------------------------------------------


def test_overview_explains_each_key(browser: Client):
    user = make_user()
    laptop, ci = make_key(user, name="laptop", budget=Decimal(5)), make_key(user, name="ci", is_active=False)
    ApiKeyCounter.objects.filter(pk=laptop.id).update(budget_spent=5, last_used_at=NOW)
    _refuse(laptop, "INSUFFICIENT_CREDITS", "budget", 4, timedelta(minutes=3))
    _refuse(ci, "DISABLED", "disabled")
    _refuse(laptop, "RATE_LIMITED", "minute", age=timedelta(days=2))
    make_key(name="of another")
    _use(laptop)
    page = _text(browser, user)
    assert "1 allowed, 5 refused" in page
    assert re.search(r"laptop sk_live_\w+… Budget spent 0\sminutes ago \d\d:\d\d: the key's budget is spent", page)
    assert re.search(r"ci sk_live_\w+… Disabled never \d\d:\d\d: the key is disabled", page)
    assert "rate limit minute" not in page
    assert "of another" not in page


def test_overview_lists_the_last_refused_calls(browser: Client):
    user, key = make_user(), make_key(name="of another")
    laptop = make_key(user, name="laptop")
    for number, (each, code, detail) in enumerate(
        [(laptop, "FORBIDDEN", "address_not_allowed"), (laptop, "DISABLED", "disabled"), (key, "EXPIRED", "key")]
    ):
        Refusal.objects.create(
            occurred_at=NOW, user_id=each.row.user_id, api_key_id=each.id, code=code, detail=detail, scopes=[],
            address="203.0.113.9", cost=1, weight=1, tag="", request_id=f"req-{number}", rate_limits=[],
        )  # fmt: skip
    page = _text(browser, user)
    assert "laptop the address is not on the allowlist FORBIDDEN 203.0.113.9 req-0" in page
    assert page.index("req-1") < page.index("req-0")
    assert "of another" not in page


def test_ledger_shows_the_keys_and_requests_of_usage(browser: Client):
    user = make_user()
    key = make_key(user, name="laptop")
    give_credits(user, 10)
    entry = CreditTransaction.objects.create(user=user, occurred_at=NOW, type="usage", amount=-2, balance_after=8)
    for number in (1, 2):
        _use(key, entry.pk, f"req-{number}")
    UsageBatch.objects.create(
        id=900, occurred_at=NOW, user_ids=[user.pk], api_key_ids=[key.id], costs=[3], weights=[1],
        request_ids=["pending"], debited_ids=[user.pk], amounts=[3], balances_after=[5], entry_ids=[entry.pk + 1],
    )  # fmt: skip
    page = _text(browser, user, "credits/")
    assert re.search(r"Usage -2\S* 8\S* laptop , 2 calls, request req-1 and others", page)
    assert re.search(r"Usage -3\S* 5\S* laptop , 1 call, request pending", page)
    assert page.index("pending") < page.index("req-1") < page.index("Top_up")


def test_security_lists_every_way_in(browser: Client):
    user = make_user(email="ivy@example.com", email_verified_at=NOW)
    sign_in(user)
    Session.objects.update(user_agent="Firefox")
    TotpDevice.objects.create(user=user, secret_encrypted=b"x", confirmed_at=NOW)
    Identity.objects.create(
        user=user, provider="acme", issuer="https://acme.example", subject="1", email="ivy@acme.example"
    )
    page, session = _text(browser, user, "security/"), Session.objects.get(user=user)
    for part in ("Firefox", "Authenticator app", "acme: ivy@acme.example", "Nothing keeps the owner from signing in"):
        assert part in page, part
    links = _links(browser, user, "security/")
    for link in (
        f"/admin/authentication/session/end/?id={session.pk}",
        f"{USERS}end_all_sessions/?id={user.pk}",
        f"{USERS}reset_second_factors/?id={user.pk}",
        f"{USERS}send-password-reset/?id={user.pk}",
    ):
        assert link in links
        assert browser.get(link).status_code == 200
    assert f"{USERS}send_verification/?id={user.pk}" not in links


def test_all_sessions_are_ended(browser: Client):
    user = make_user()
    sign_in(user), sign_in(user)
    browser.post(f"{USERS}end_all_sessions/?id={user.pk}")
    assert "The owner is not signed in." in _text(browser, user, "security/")


def test_timeline_is_one_trail_in_words(browser: Client, staff: User):
    user, other = make_user(), make_user()
    common = {"actor_kind": "session", "target_kind": "user"}
    for fields in (
        {"actor_id": user.pk, "action": "session.started", "target_kind": "session", "target_id": 7},
        {"subject_id": user.pk, "action": "password.refused", "target_id": user.pk, "outcome": "failure"},
        {
            "actor_id": staff.pk, "subject_id": user.pk, "action": "user.updated", "target_id": user.pk,
            "reason": "asked", "before": {"full_name": "Ann"}, "after": {"full_name": "Ann Hand"},
        },
        {"actor_id": user.pk, "subject_id": other.pk, "action": "credits.posted", "target_id": other.pk},
        {"actor_id": staff.pk, "subject_id": other.pk, "action": "user.deleted", "target_id": other.pk},
    ):  # fmt: skip
        AuditEvent.objects.create(**{**common, **fields})
    page = _text(browser, user, "timeline/")
    assert "Account changed root@example.com Reason: “asked” Full name: Ann → Ann Hand" in page
    assert "Wrong password refused an anonymous client" in page
    assert "Signed in (Session 7) the owner" in page
    assert f"Credits posted (account {other.pk}) the owner" in page
    assert "Account deleted" not in page
    assert page.index("Credits posted") < page.index("Account changed") < page.index("Wrong password")


def test_timeline_has_parts(browser: Client):
    user = make_user()
    for number in range(120):
        AuditEvent.objects.create(actor_id=user.pk, actor_kind="session", action=f"x.number-{number}!", target_kind="x")
    seen, page = [], _page(user, "timeline/")
    for _ in range(3):
        html = text_of(browser.get(page))
        seen += re.findall(r"number-(\d+)!", html)
        older = re.search(r'href="(\?cursor=[^"]*)"', html)
        page = f"{_page(user, 'timeline/')}{older[1]}" if older else ""
    assert (seen, page) == ([str(number) for number in reversed(range(120))], "")
    assert browser.get(_page(user, "timeline/"), {"cursor": "wrong"}).status_code == 200


def test_notes_are_added_and_deleted(browser: Client, staff: User, limited: Any):
    user = make_user()
    answer = browser.post(_page(user, "notes/"), {"text": "Called <b>today</b>"}, follow=True)
    assert answer.redirect_chain == [(_page(user, "notes/"), 302)]
    assert "The note has been added." in text_of(answer)
    assert b"Called &lt;b&gt;today&lt;/b&gt;" in answer.content
    assert "Notes 1" in _text(browser, user)
    note = AccountNote.objects.get()
    assert (note.author_id, only_event(action="account_note.added").subject_id) == (staff.pk, user.pk)
    reader = limited("customers:read")
    assert "Add the note" not in _text(reader, user, "notes/")
    reader.post(_page(user, "notes/"), {"delete": note.pk})
    assert AccountNote.objects.count() == 1
    browser.post(_page(user, "notes/"), {"delete": note.pk})
    assert AccountNote.objects.count() == 0
    assert "This field is required" in text_of(browser.post(_page(user, "notes/"), {"text": " "}))


def test_pages_have_no_text_of_customers_as_markup(browser: Client):
    markup = "<script>alert(1)</script>"
    user = make_user(full_name=markup)
    key = make_key(user, name=markup)
    _refuse(key, "RATE_LIMITED", markup)
    AccountNote.objects.create(user=user, text=markup)
    AuditEvent.objects.create(
        actor_id=user.pk, actor_kind="session", action="x.y", target_kind="x", after={"a": markup}
    )
    for tab in TABS:
        html = browser.get(_page(user, tab)).content.decode()
        assert markup not in html, tab
        assert "&lt;script&gt;alert(1)" in html, tab


def test_link_that_verifies_the_address_is_sent_once_a_minute(browser: Client, staff: User):
    user = make_user()
    page = f"{USERS}send_verification/?id={user.pk}"
    assert page in _links(browser, user, "security/")
    browser.post(page)
    assert only_event(action="user.verification_sent").actor_id == staff.pk
    assert "A link was sent recently." in text_of(browser.post(page))


def test_links_of_lists_lead_to_the_page(browser: Client):
    user = make_user()
    key = make_key(user)
    assert f'href="{_page(user)}"' in text_of(browser.get(USERS))
    assert f'href="{_page(user)}"' in text_of(browser.get(f"{KEYS}{key.id}/change/"))
    assert make_staff().email not in text_of(browser.get(USERS))
