"""Credits in the admin: posted by the service, with an audit event; the ledger is only read."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.admin import keyhouse_model_admin
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.credits.admin.credit_transaction_admin import CreditTransactionAdmin
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditBalance, CreditTransaction, LedgerEntry
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.users.models import User
from tests.integration.backoffice.pages import USERS, form_errors, only_event, text_of
from tests.integration.usage.pending import expand, rich_keys, spend
from tests.support.factories import make_user

pytestmark = pytest.mark.integration

BALANCES = "/admin/credits/creditbalance/"
LEDGER = "/admin/credits/credittransaction/"
FORM = {"amount": "12.50", "type": "top_up", "description": "paid by card", "own_reference": "form-1"}


def _posting(user: User) -> str:
    return f"{BALANCES}post/?id={user.pk}"


def _post(user: User, amount: str = "10", **fields: Any) -> int:
    posting = CreditPosting.model_validate({"amount": amount, **fields})
    return call_service(credit_service().post, OPERATOR, user.pk, posting).id


def _balance(user: User) -> str:
    return str(CreditBalance.objects.get(pk=user.pk).balance)


def _shown(response: Any) -> list[Any]:
    return list(response.context["cl"].result_list)


def test_posting_needs_a_confirmation(browser, staff):
    user = make_user()
    page = text_of(browser.get(_posting(user)))
    assert f"Post credits to {user.email}" in page
    assert "Own reference" not in page
    response = browser.post(_posting(user), FORM, follow=True)
    assert response.redirect_chain == [(f"{BALANCES}{user.pk}/change/", 302)]
    assert f"Credits to {user.email} posted." in text_of(response)
    assert "12.500000" in text_of(response)
    entry = CreditTransaction.objects.get()
    assert (str(entry.amount), str(entry.balance_after), entry.description) == (
        "12.500000",
        "12.500000",
        "paid by card",
    )
    assert (entry.actor_id, entry.actor_kind, _balance(user)) == (staff.pk, "session", "12.500000")
    assert only_event(action="credits.posted", target_id=user.pk).actor_id == staff.pk


def test_kinds_are_offered_in_words(browser):
    user = make_user()
    page = text_of(browser.get(_posting(user)))
    for kind, label in (
        ("top_up", "Top-up (sold)"), ("goodwill", "Goodwill"), ("refund", "Refund"), ("adjustment", "Adjustment"),
    ):  # fmt: skip
        assert f'<option value="{kind}"' in page
        assert label in page
        browser.post(_posting(user), {**FORM, "type": kind, "own_reference": kind})
        assert label in text_of(browser.get(LEDGER, {"type__exact": kind}))
    assert 'value="usage"' not in page
    assert _balance(user) == "50.000000"


def test_form_that_is_sent_twice_posts_once(browser):
    user = make_user()
    form = re.search(r'name="own_reference" value="(form-[0-9a-f]{16})"', text_of(browser.get(_posting(user))))
    assert form is not None
    for _ in range(2):
        assert browser.post(_posting(user), {**FORM, "own_reference": form[1]}).status_code == 302
    assert CreditTransaction.objects.get().reference_id == form[1]
    assert AuditEvent.objects.count() == 1
    assert form[1] not in text_of(browser.get(_posting(user)))


def test_reference_of_staff_is_stored(browser):
    user = make_user()
    for own_reference in ("form-1", "form-2"):
        browser.post(_posting(user), {**FORM, "reference_id": "invoice 7", "own_reference": own_reference})
    assert CreditTransaction.objects.get().reference_id == "invoice 7"


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"amount": ""}, "amount", "required"),
        ({"amount": "0"}, "amount", "zero"),
        ({"amount": "1e3"}, "amount", "decimal"),
        ({"amount": "12,50"}, "amount", "decimal"),
        ({"amount": "1" * 15}, "amount", "14 digits"),
        ({"amount": "-1"}, "amount", "positive"),
        ({"amount": "-1", "type": "adjustment"}, "amount", "The balance is 0"),
        ({"type": "usage"}, "type", "valid choice"),
        ({"description": "  "}, "description", "required"),
        ({"description": "d" * 501}, "description", "500"),
        ({"description": "a\x00b"}, "description", "Null characters"),
        ({"reference_id": "r" * 101}, "reference_id", "100"),
        ({"own_reference": ""}, "__all__", "incomplete"),
    ],
)
def test_invalid_posting_is_refused(browser, wrong, field, words):
    user = make_user()
    errors = form_errors(browser.post(_posting(user), {**FORM, **wrong}))
    assert words in errors[field][0]
    assert _balance(user) == "0.000000"
    assert not AuditEvent.objects.exists()


def test_reference_of_another_posting_is_refused(browser):
    user = make_user()
    _post(user, "10", reference_id="invoice 7")
    errors = form_errors(browser.post(_posting(user), {**FORM, "reference_id": "invoice 7"}))
    assert errors == {"reference_id": ["It belongs to a top_up of 10.000000."]}
    assert _balance(user) == "10.000000"


def test_posting_is_for_one_balance(browser):
    users = [make_user(), make_user()]
    page = f"{BALANCES}post/?id={users[0].pk}&id={users[1].pk}"
    assert "“Post credits” does not apply here." in text_of(browser.post(page, FORM, follow=True))
    assert not CreditTransaction.objects.exists()


def test_deleted_account_is_shown_and_takes_no_posting(browser):
    user = make_user()
    _post(user)
    User.objects.filter(pk=user.pk).update(deleted_at=timezone.now())
    page = text_of(browser.get(f"{BALANCES}{user.pk}/change/"))
    assert "10.000000" in page
    assert _posting(user) not in page
    assert _posting(user) not in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    browser.post(_posting(user), FORM)
    assert _balance(user) == "10.000000"


def test_balances_are_found_by_owner(browser):
    user = make_user(email="ann@example.com")
    make_user(email="bob@example.com")
    assert [row.pk for row in _shown(browser.get(BALANCES, {"q": "ann@ex"}))] == [user.pk]


def test_ledger_is_found_by_owner_and_reference(browser):
    ann, bob = make_user(email="ann@example.com"), make_user(email="bob@example.com")
    entry, other = _post(ann, reference_id="invoice 7"), _post(bob)
    for query, found in (
        ({"q": "ann@ex"}, [entry]),
        ({"q": " invoice 7 "}, [entry]),
        ({"q": "invoice"}, []),
        ({"q": " "}, [other, entry]),
        ({"user__id__exact": bob.pk}, [other]),
        ({"type__exact": "refund"}, []),
        ({"type__exact": "top_up"}, [other, entry]),
    ):
        assert [row.pk for row in _shown(browser.get(LEDGER, query))] == found, query


def test_ledger_shows_the_actor(browser, staff):
    user = make_user()
    browser.post(_posting(user), FORM)
    entry = CreditTransaction.objects.get()
    for page in (LEDGER, f"{LEDGER}{entry.pk}/change/"):
        text = text_of(browser.get(page))
        assert all(word in text for word in (user.email, staff.email, "12.500000", "paid by card", "form-1"))


def test_ledger_and_balances_are_read_only(browser):
    user = make_user()
    entry = _post(user)
    for page, key in ((LEDGER, entry), (BALANCES, user.pk)):
        assert browser.get(f"{page}{key}/change/").status_code == 200
        for address in (f"{page}add/", f"{page}{key}/change/", f"{page}{key}/delete/"):
            assert browser.post(address, {"balance": "1000000", "amount": "1", "post": "yes"}).status_code == 403
        browser.post(page, {"action": "delete_selected", "_selected_action": [key], "post": "yes"})
    assert (str(CreditTransaction.objects.get().amount), _balance(user)) == ("10.000000", "10.000000")


def test_account_page_links_to_balance_ledger_and_posting(browser):
    user = make_user()
    page = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    for address in (f"{BALANCES}{user.pk}/change/", f"{LEDGER}?user__id__exact={user.pk}", _posting(user)):
        assert f'href="{address}"' in page
        assert browser.get(address).status_code == 200


def test_balance_page_links_to_owner_ledger_posting_and_history(browser):
    user = make_user()
    browser.post(_posting(user), FORM)
    page = text_of(browser.get(f"{BALANCES}{user.pk}/change/"))
    for address in (f"{USERS}{user.pk}/change/", f"{LEDGER}?user__id__exact={user.pk}", _posting(user)):
        assert f'href="{address}"' in page
    assert "credits.posted" in text_of(browser.get(f"{BALANCES}{user.pk}/history/", follow=True))


def test_reading_scope_does_not_allow_posting(limited):
    user, browser = make_user(), limited("customers:read", "credits:read")
    assert browser.get(f"{BALANCES}{user.pk}/change/").status_code == 200
    for page in (f"{BALANCES}{user.pk}/change/", f"{USERS}{user.pk}/change/"):
        assert _posting(user) not in text_of(browser.get(page))
    assert browser.get(_posting(user)).status_code == 403
    assert browser.post(_posting(user), FORM).status_code == 403
    assert browser.get(LEDGER).status_code == 200
    assert not CreditTransaction.objects.exists()


def test_granting_scope_allows_posting(limited):
    user, browser = make_user(), limited("credits:read", "credits:grant")
    assert _posting(user) in text_of(browser.get(f"{BALANCES}{user.pk}/change/"))
    assert browser.post(_posting(user), FORM).status_code == 302
    assert _balance(user) == "12.500000"


def test_staff_without_scopes_see_no_credits(limited):
    user, browser = make_user(), limited("customers:read")
    entry = _post(user)
    page = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert "/admin/credits/" not in page
    for address in (BALANCES, LEDGER, f"{BALANCES}{user.pk}/change/", f"{LEDGER}{entry}/change/", _posting(user)):
        assert browser.get(address).status_code == 403
    assert browser.get(f"{BALANCES}{user.pk}/history/", follow=True).status_code == 403


@pytest.mark.parametrize("page", [BALANCES, LEDGER, f"{LEDGER}?q=example", f"{BALANCES}?q=user"])
def test_number_of_queries_is_constant(browser, page):
    def queries(number: int) -> int:
        for _ in range(number):
            browser.post(_posting(make_user()), FORM)
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(page).status_code == 200
        return len(seen)

    assert queries(1) == queries(5)


def test_large_ledger_lists_its_newest_entries(browser, monkeypatch):
    monkeypatch.setattr(keyhouse_model_admin, "ROWS_MAXIMUM", 3)
    monkeypatch.setattr(CreditTransactionAdmin, "list_per_page", 2)
    user = make_user()
    entries = [_post(user) for _ in range(5)]
    pages = [browser.get(LEDGER, {"p": number}) for number in (1, 2)]
    assert pages[0].context["cl"].result_count == 3
    assert [[row.pk for row in _shown(page)] for page in pages] == [entries[:2:-1], [entries[2]]]


def test_ledger_shows_entries_of_pending_batches_as_it_shows_them_later(browser):
    (key,) = rich_keys(1)
    spend([key], "1", "2")
    (entry,) = LedgerEntry.objects.filter(type="usage")
    filters = [{"user__id__exact": key.row.user_id}, {"q": key.row.user.email}, {"type__exact": "usage"}, {}]
    before = [browser.get(LEDGER, query).context["cl"].result_list[0].pk for query in filters]
    page = browser.get(f"{LEDGER}{entry.pk}/change/")
    assert before == [entry.pk] * 4
    assert "999997.000000" in page.content.decode()
    expand()
    assert [browser.get(LEDGER, query).context["cl"].result_list[0].pk for query in filters] == before
    assert "999997.000000" in browser.get(f"{LEDGER}{entry.pk}/change/").content.decode()
