"""Balances and the ledger in the admin are only read."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.admin import keyhouse_model_admin
from apps.credits.admin.credit_transaction_admin import CreditTransactionAdmin
from apps.credits.models import CreditTransaction, LedgerEntry
from tests.integration.backoffice.pages import CUSTOMERS, USERS, text_of
from tests.integration.backoffice.postings import BALANCES, LEDGER, balance_of, post_to, posting_page, previewed
from tests.integration.usage.pending import expand, rich_keys, spend
from tests.support.factories import make_user

pytestmark = pytest.mark.integration


def _shown(response: Any) -> list[Any]:
    return list(response.context["cl"].result_list)


def test_balances_are_found_by_owner(browser):
    user = make_user(email="ann@example.com")
    make_user(email="bob@example.com")
    assert [row.pk for row in _shown(browser.get(BALANCES, {"q": "ann@ex"}))] == [user.pk]


def test_ledger_is_found_by_owner_and_reference(browser):
    ann, bob = make_user(email="ann@example.com"), make_user(email="bob@example.com")
    entry, other = post_to(ann, reference_id="invoice 7"), post_to(bob)
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
    browser.post(posting_page(user), previewed())
    entry = CreditTransaction.objects.get()
    for page in (LEDGER, f"{LEDGER}{entry.pk}/change/"):
        text = text_of(browser.get(page))
        assert all(word in text for word in (user.email, staff.email, ">12.50<", "paid by card", "form-1"))


def test_ledger_and_balances_are_read_only(browser):
    user = make_user()
    entry = post_to(user)
    for page, key in ((LEDGER, entry), (BALANCES, user.pk)):
        assert browser.get(f"{page}{key}/change/").status_code == 200
        for address in (f"{page}add/", f"{page}{key}/change/", f"{page}{key}/delete/"):
            assert browser.post(address, {"balance": "1000000", "amount": "1", "post": "yes"}).status_code == 403
        browser.post(page, {"action": "delete_selected", "_selected_action": [key], "post": "yes"})
    assert (str(CreditTransaction.objects.get().amount), balance_of(user)) == ("10.000000", "10.000000")


def test_account_page_links_to_balance_ledger_and_posting(browser):
    user = make_user()
    page = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    for address in (f"{BALANCES}{user.pk}/change/", f"{LEDGER}?user__id__exact={user.pk}", posting_page(user)):
        assert f'href="{address}"' in page
        assert browser.get(address).status_code == 200


def test_balance_page_links_to_owner_ledger_posting_and_history(browser):
    user = make_user()
    browser.post(posting_page(user), previewed())
    page = text_of(browser.get(f"{BALANCES}{user.pk}/change/"))
    for address in (f"{CUSTOMERS}{user.pk}/", f"{LEDGER}?user__id__exact={user.pk}", posting_page(user)):
        assert f'href="{address}"' in page
    assert "credits.posted" in text_of(browser.get(f"{BALANCES}{user.pk}/history/", follow=True))


def test_reading_scope_does_not_allow_posting(limited):
    user, browser = make_user(), limited("customers:read", "credits:read")
    assert browser.get(f"{BALANCES}{user.pk}/change/").status_code == 200
    for page in (f"{BALANCES}{user.pk}/change/", f"{USERS}{user.pk}/change/"):
        assert posting_page(user) not in text_of(browser.get(page))
    assert browser.get(posting_page(user)).status_code == 403
    assert browser.post(posting_page(user), previewed()).status_code == 403
    assert browser.get(LEDGER).status_code == 200
    assert not CreditTransaction.objects.exists()


def test_granting_scope_allows_posting(limited):
    user, browser = make_user(), limited("credits:read", "credits:grant")
    assert posting_page(user) in text_of(browser.get(f"{BALANCES}{user.pk}/change/"))
    assert browser.post(posting_page(user), previewed()).status_code == 302
    assert balance_of(user) == "12.500000"


def test_staff_without_scopes_see_no_credits(limited):
    user, browser = make_user(), limited("customers:read")
    entry = post_to(user)
    page = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert "/admin/credits/" not in page
    for address in (BALANCES, LEDGER, f"{BALANCES}{user.pk}/change/", f"{LEDGER}{entry}/change/", posting_page(user)):
        assert browser.get(address).status_code == 403
    assert browser.get(f"{BALANCES}{user.pk}/history/", follow=True).status_code == 403


@pytest.mark.parametrize("page", [BALANCES, LEDGER, f"{LEDGER}?q=example", f"{BALANCES}?q=user"])
def test_number_of_queries_is_constant(browser, page):
    def queries(number: int) -> int:
        for _ in range(number):
            browser.post(posting_page(make_user()), previewed())
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(page).status_code == 200
        return len(seen)

    assert queries(1) == queries(5)


def test_large_ledger_lists_its_newest_entries(browser, monkeypatch):
    monkeypatch.setattr(keyhouse_model_admin, "ROWS_MAXIMUM", 3)
    monkeypatch.setattr(CreditTransactionAdmin, "list_per_page", 2)
    user = make_user()
    entries = [post_to(user) for _ in range(5)]
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
    assert "999,997.00" in page.content.decode()
    expand()
    assert [browser.get(LEDGER, query).context["cl"].result_list[0].pk for query in filters] == before
    assert "999,997.00" in browser.get(f"{LEDGER}{entry.pk}/change/").content.decode()
