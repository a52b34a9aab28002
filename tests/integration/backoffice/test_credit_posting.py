"""Posting credits in the admin: by the service, with an audit event."""

import re

import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.credits.models import CreditTransaction
from apps.users.models import User
from tests.integration.backoffice.pages import USERS, form_errors, only_event, text_of
from tests.integration.backoffice.postings import (
    BALANCES,
    FORM,
    LEDGER,
    balance_of,
    post_to,
    posting_page,
    previewed,
)
from tests.support.factories import make_user

pytestmark = pytest.mark.integration


def test_posting_needs_a_confirmation(browser, staff):
    user = make_user()
    page = text_of(browser.get(posting_page(user)))
    assert f"Post credits to {user.email}" in page
    assert "Own reference" not in page
    response = browser.post(posting_page(user), previewed(), follow=True)
    assert response.redirect_chain == [(f"{BALANCES}{user.pk}/change/", 302)]
    done = f"Credits to {user.email} posted: 12.50 added. The balance was 0.00 and is now 12.50."
    assert done in text_of(response)
    assert "12.50" in text_of(response)
    entry = CreditTransaction.objects.get()
    assert (str(entry.amount), str(entry.balance_after), entry.description) == (
        "12.500000",
        "12.500000",
        "paid by card",
    )
    assert (entry.actor_id, entry.actor_kind, balance_of(user)) == (staff.pk, "session", "12.500000")
    event = only_event(action="credits.posted", target_id=user.pk)
    assert (event.actor_id, event.reason) == (staff.pk, "invoice 7 was paid")


def test_form_shows_the_balance_before_and_then_after(browser):
    user = make_user()
    post_to(user, "10")
    empty = text_of(browser.get(posting_page(user)))
    assert f"{user.email} has 10.00 credits now." in empty
    assert '<input type="submit" value="Continue"' in empty
    page = browser.post(posting_page(user), {**FORM, "amount": "-2.5", "type": "adjustment"})
    shown = text_of(page)
    assert f"{user.email} has 10.00 credits now, and will have 7.50.<br>The customer reads: “paid by card”." in shown
    assert '<input type="submit" value="Post credits"' in shown
    assert balance_of(user) == "10.000000"
    again = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}
    assert browser.post(posting_page(user), again).status_code == 302
    assert balance_of(user) == "7.500000"


@pytest.mark.parametrize("changed", [{"amount": "125"}, {"type": "goodwill"}])
def test_form_that_changes_after_its_preview_is_shown_again(browser, changed):
    user = make_user()
    page = browser.post(posting_page(user), {**previewed(), **changed})
    assert (page.status_code, form_errors(page), balance_of(user)) == (200, {}, "0.000000")
    expected = previewed(**changed)["previewed"]
    assert page.context["form"]["previewed"].value() == expected


def test_posting_needs_a_reason(browser):
    user = make_user()
    errors = form_errors(browser.post(posting_page(user), {**previewed(), "reason": " "}))
    assert errors == {"reason": ["This field is required."]}
    assert balance_of(user) == "0.000000"


def test_nobody_posts_credits_to_themselves(browser, staff, limited):
    """A superuser is told so before typing anything."""
    balance = f"{BALANCES}{staff.pk}/change/"
    assert posting_page(staff) not in text_of(browser.get(balance))
    assert posting_page(make_user()) in text_of(browser.get(f"{BALANCES}{User.objects.latest('pk').pk}/change/"))
    for answer in (
        browser.get(posting_page(staff), follow=True),
        browser.post(posting_page(staff), previewed(), follow=True),
    ):
        assert answer.redirect_chain == [(balance, 302)]
        assert "You cannot post credits to your own account." in text_of(answer)
    assert balance_of(staff) == "0.000000"


def test_kinds_are_offered_in_words(browser):
    user = make_user()
    page = text_of(browser.get(posting_page(user)))
    for kind, label in (
        ("top_up", "Top-up (sold)"), ("goodwill", "Goodwill"), ("refund", "Refund"), ("adjustment", "Adjustment"),
    ):  # fmt: skip
        assert f'<option value="{kind}"' in page
        assert label in page
        browser.post(posting_page(user), previewed(type=kind, own_reference=kind))
        assert label in text_of(browser.get(LEDGER, {"type__exact": kind}))
    assert 'value="usage"' not in page
    assert balance_of(user) == "50.000000"


def test_form_that_is_sent_twice_posts_once(browser):
    user = make_user()
    form = re.search(r'name="own_reference" value="(form-[0-9a-f]{16})"', text_of(browser.get(posting_page(user))))
    assert form is not None
    for _ in range(2):
        assert browser.post(posting_page(user), previewed(own_reference=form[1])).status_code == 302
    assert CreditTransaction.objects.get().reference_id == form[1]
    assert AuditEvent.objects.count() == 1
    assert form[1] not in text_of(browser.get(posting_page(user)))


def test_reference_of_staff_is_stored(browser):
    user = make_user()
    for own_reference in ("form-1", "form-2"):
        browser.post(posting_page(user), previewed(reference_id="invoice 7", own_reference=own_reference))
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
    errors = form_errors(browser.post(posting_page(user), {**FORM, **wrong}))
    assert words in errors[field][0]
    assert balance_of(user) == "0.000000"
    assert not AuditEvent.objects.exists()


def test_reference_of_another_posting_is_refused(browser):
    user = make_user()
    post_to(user, "10", reference_id="invoice 7")
    errors = form_errors(browser.post(posting_page(user), previewed(reference_id="invoice 7")))
    assert errors == {"reference_id": ["It belongs to a top_up of 10.000000."]}
    assert balance_of(user) == "10.000000"


def test_posting_is_for_one_balance(browser):
    users = [make_user(), make_user()]
    page = f"{BALANCES}post/?id={users[0].pk}&id={users[1].pk}"
    assert "“Post credits” does not apply here." in text_of(browser.post(page, FORM, follow=True))
    assert not CreditTransaction.objects.exists()


def test_deleted_account_is_shown_and_takes_no_posting(browser):
    user = make_user()
    post_to(user)
    User.objects.filter(pk=user.pk).update(deleted_at=timezone.now())
    page = text_of(browser.get(f"{BALANCES}{user.pk}/change/"))
    assert "10.00" in page
    assert posting_page(user) not in page
    assert posting_page(user) not in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    browser.post(posting_page(user), previewed())
    assert balance_of(user) == "10.000000"
