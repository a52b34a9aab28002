"""The tabs of the customer page: keys, credits, security, timeline and notes."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
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
from apps.usage.models import Refusal, UsageBatch
from apps.users.dependencies import account_update
from apps.users.models import AccountNote, User
from apps.users.schemas.user import UserUpdate
from tests.integration.backoffice.customer_pages import NOW, TABS, links_on, page_of, refuse, text_on, use
from tests.integration.backoffice.pages import CUSTOMERS, KEYS, USERS, only_event, text_of
from tests.support.factories import give_credits, make_key, make_plan, make_staff, make_user
from tests.support.sessions import sign_in

pytestmark = pytest.mark.integration


def test_overview_explains_each_key(browser: Client):
    user = make_user()
    laptop, ci = make_key(user, name="laptop", budget=Decimal(5)), make_key(user, name="ci", is_active=False)
    ApiKeyCounter.objects.filter(pk=laptop.id).update(budget_spent=5, last_used_at=timezone.now())
    refuse(laptop, "INSUFFICIENT_CREDITS", "budget", 4, timedelta(minutes=3))
    refuse(ci, "DISABLED", "disabled")
    refuse(laptop, "RATE_LIMITED", "minute", age=timedelta(days=2))
    make_key(name="of another")
    use(laptop)
    page = text_on(browser, user)
    assert "1 allowed, 5 refused" in page
    drawn = text_of(browser.get(page_of(user)))
    assert re.search(r'<svg [^>]*aria-label="Calls of the last 24 hours: 1 allowed, 5 refused; most from', drawn)
    assert (drawn.count('<rect class="allowed"'), "style=" in drawn) == (1, False)
    assert re.search(r"laptop sk_live_\w+… Budget spent \d+\sminutes? ago \d\d:\d\d: the key's budget is spent", page)
    assert re.search(r"ci sk_live_\w+… Disabled never \d\d:\d\d: the key is disabled", page)
    assert "rate limit minute" not in page
    assert "of another" not in page


def _refused_call(key: Any, number: int, code: str, detail: str, **fields: Any) -> None:
    Refusal.objects.create(
        occurred_at=NOW, user_id=key.row.user_id, api_key_id=key.id, code=code, detail=detail, tag="", rate_limits=[],
        request_id=f"req-{number}", **{"scopes": [], "address": "203.0.113.9", "cost": 1, "weight": 1, **fields},
    )  # fmt: skip


def test_overview_lists_the_last_refused_calls(browser: Client):
    user, key = make_user(), make_key(name="of another")
    laptop = make_key(user, name="laptop")
    _refused_call(laptop, 0, "FORBIDDEN", "address_not_allowed")
    _refused_call(laptop, 1, "DISABLED", "disabled")
    _refused_call(key, 2, "EXPIRED", "key")
    page = text_on(browser, user)
    assert "laptop the address is not on the allowlist FORBIDDEN 203.0.113.9 req-0" in page
    assert page.index("req-1") < page.index("req-0")
    assert "of another" not in page


def test_refused_call_is_explained_by_what_it_would_get_now(browser: Client):
    key = make_key(name="laptop", scopes=["reports:read"])
    scopes = ["reports:read", "reports:write"]
    _refused_call(key, 1, "DISABLED", "disabled", scopes=scopes, cost=Decimal("0.5"), weight=2)
    page, action = text_of(browser.get(page_of(key.row.user))), f"{KEYS}{key.id}/explain/"
    assert f'action="{action}"' in page
    call = dict(re.findall(r'name="(scopes|ip|cost|weight)" value="([^"]*)"', page))
    answer = text_of(browser.post(action, call))
    assert "A call now would be refused: the scope reports:write is missing." in answer
    assert "scopes reports:read, reports:write, address 203.0.113.9, cost 0.50, weight 2" in answer


def test_ledger_shows_the_keys_and_requests_of_usage(browser: Client):
    user = make_user()
    key = make_key(user, name="laptop")
    give_credits(user, 10)
    entry = CreditTransaction.objects.create(user=user, occurred_at=NOW, type="usage", amount=-2, balance_after=8)
    for number in (1, 2):
        use(key, entry.pk, f"req-{number}")
    UsageBatch.objects.create(
        id=900, occurred_at=NOW, user_ids=[user.pk], api_key_ids=[key.id], costs=[3], weights=[1],
        request_ids=["pending"], debited_ids=[user.pk], amounts=[3], balances_after=[5], entry_ids=[entry.pk + 1],
    )  # fmt: skip
    page = text_on(browser, user, "credits/")
    assert re.search(r"Usage -2\S* 8\S* laptop , 2 calls, request req-1 and others", page)
    assert re.search(r"Usage -3\S* 5\S* laptop , 1 call, request pending", page)
    assert page.index("pending") < page.index("req-1") < page.index("Top_up")


def test_security_lists_every_way_in(browser: Client):
    user = make_user(email="ivy@example.com", email_verified_at=NOW)
    sign_in(user)
    Session.objects.update(user_agent="Firefox", methods=["pwd", "hwk"])
    TotpDevice.objects.create(user=user, secret_encrypted=b"x", confirmed_at=NOW)
    Identity.objects.create(
        user=user, provider="acme", issuer="https://acme.example", subject="1", email="ivy@acme.example"
    )
    page, session = text_on(browser, user, "security/"), Session.objects.get(user=user)
    for part in (
        "Firefox",
        "password, passkey",
        "Authenticator app",
        "acme: ivy@acme.example",
        "Nothing keeps the owner from signing in",
    ):
        assert part in page, part
    links = links_on(browser, user, "security/")
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
    done = browser.post(f"{USERS}end_all_sessions/?id={user.pk}")
    assert done.headers["location"] == f"{CUSTOMERS}{user.pk}/security/"
    assert "The owner is not signed in." in text_on(browser, user, "security/")


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
    page = text_on(browser, user, "timeline/")
    assert "Account changed root@example.com Reason: “asked” Full name: Ann → Ann Hand" in page
    assert "Wrong password refused an anonymous client" in page
    assert "Signed in (Session 7) the owner" in page
    assert f"Credits posted (account {other.pk}) the owner" in page
    assert "Account deleted" not in page
    assert page.index("Credits posted") < page.index("Account changed") < page.index("Wrong password")


def test_timeline_names_plans(browser: Client):
    plan, user = make_plan(name="gold"), make_user()
    call_service(account_update().update, OPERATOR, user.pk, UserUpdate(plan="gold"))
    AuditEvent.objects.create(
        subject_id=user.pk, actor_kind="session", action="user.created", target_kind="user", target_id=user.pk,
        after={"plan_id": 10**9},
    )  # fmt: skip
    page = text_on(browser, user, "timeline/")
    assert f"Plan: {user.plan.name} → gold" in page
    assert "Plan: 1000000000 (deleted)" in page
    assert f"Plan: {plan.pk}" not in page


def test_timeline_has_parts(browser: Client):
    user = make_user()
    for number in range(120):
        AuditEvent.objects.create(actor_id=user.pk, actor_kind="session", action=f"x.number-{number}!", target_kind="x")
    seen, page = [], page_of(user, "timeline/")
    for _ in range(3):
        html = text_of(browser.get(page))
        seen += re.findall(r"number-(\d+)!", html)
        older = re.search(r'href="(\?cursor=[^"]*)"', html)
        page = f"{page_of(user, 'timeline/')}{older[1]}" if older else ""
    assert (seen, page) == ([str(number) for number in reversed(range(120))], "")
    assert browser.get(page_of(user, "timeline/"), {"cursor": "wrong"}).status_code == 200


def test_notes_are_added_and_deleted(browser: Client, staff: User, limited: Any):
    user = make_user()
    answer = browser.post(page_of(user, "notes/"), {"text": "Called <b>today</b>"}, follow=True)
    assert answer.redirect_chain == [(page_of(user, "notes/"), 302)]
    assert "The note has been added." in text_of(answer)
    assert b"Called &lt;b&gt;today&lt;/b&gt;" in answer.content
    assert "Notes 1" in text_on(browser, user)
    note = AccountNote.objects.get()
    assert (note.author_id, only_event(action="account_note.added").subject_id) == (staff.pk, user.pk)
    reader = limited("customers:read")
    assert "Add the note" not in text_on(reader, user, "notes/")
    reader.post(page_of(user, "notes/"), {"delete": note.pk})
    assert AccountNote.objects.count() == 1
    browser.post(page_of(user, "notes/"), {"delete": note.pk})
    assert AccountNote.objects.count() == 0
    assert "This field is required" in text_of(browser.post(page_of(user, "notes/"), {"text": " "}))


def test_pages_have_no_text_of_customers_as_markup(browser: Client):
    markup = "<script>alert(1)</script>"
    user = make_user(full_name=markup)
    key = make_key(user, name=markup)
    refuse(key, "RATE_LIMITED", markup)
    AccountNote.objects.create(user=user, text=markup)
    AuditEvent.objects.create(
        actor_id=user.pk, actor_kind="session", action="x.y", target_kind="x", after={"a": markup}
    )
    for tab in TABS:
        html = browser.get(page_of(user, tab)).content.decode()
        assert markup not in html, tab
        assert "&lt;script&gt;alert(1)" in html, tab


def test_link_that_verifies_the_address_is_sent_once_a_minute(browser: Client, staff: User):
    user = make_user()
    page = f"{USERS}send_verification/?id={user.pk}"
    assert page in links_on(browser, user, "security/")
    browser.post(page)
    assert only_event(action="user.verification_sent").actor_id == staff.pk
    assert "A link was sent recently." in text_of(browser.post(page))


def test_links_of_lists_lead_to_the_page(browser: Client):
    user = make_user()
    key = make_key(user)
    assert f'href="{page_of(user)}"' in text_of(browser.get(USERS))
    assert f'href="{page_of(user)}"' in text_of(browser.get(f"{KEYS}{key.id}/change/"))
    assert make_staff().email not in text_of(browser.get(USERS))
