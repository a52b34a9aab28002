"""Approvals of credits in the admin: asked for, approved and refused by the services."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditApproval, CreditTransaction
from apps.credits.schemas.credit_approval import CreditApprovalOut
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.users.models import User
from tests.integration.backoffice.pages import USERS, form_errors, only_event, text_of
from tests.integration.backoffice.postings import FORM, balance_of, posting_page, previewed
from tests.support.callers import staff_of
from tests.support.factories import make_colleague, make_user
from tests.support.staff_browser import browser_of

pytestmark = pytest.mark.integration

APPROVALS = "/admin/credits/creditapproval/"
LARGE = previewed(amount="500", type="goodwill")
SCOPES = ("credits:read", "credits:adjust")


@pytest.fixture(autouse=True)
def _limit(settings) -> None:
    settings.CREDIT_APPROVAL_ABOVE = Decimal(100)


@pytest.fixture
def asker(database) -> User:
    """Another member of staff, who asks for credits."""
    return make_colleague(*SCOPES, email="bob@example.com")


def ask(asker: User, user: User, **fields: Any) -> CreditApproval:
    posting = {"amount": "500", "type": "goodwill", "description": "sorry", "reason": "outage", **fields}
    asked = call_service(
        credit_service().post, staff_of(asker.pk, *SCOPES), user.pk, CreditPosting.model_validate(posting)
    )
    assert isinstance(asked, CreditApprovalOut)
    return CreditApproval.objects.get(pk=asked.id)


def url(operation: str, approval: CreditApproval) -> str:
    return f"{APPROVALS}{operation}/?id={approval.pk}"


def change(approval: CreditApproval) -> str:
    return f"{APPROVALS}{approval.pk}/change/"


def test_large_posting_says_before_that_it_needs_approval(browser):
    user = make_user()
    page = text_of(browser.post(posting_page(user), {**FORM, "amount": "500", "type": "goodwill"}))
    assert f"{user.email} has 0.00 credits now, and will have 500.00." in page
    assert "So large a posting needs approval by another member of staff. Nothing is posted until then." in page
    assert '<input type="submit" value="Ask for approval"' in page
    response = browser.post(posting_page(user), LARGE, follow=True)
    approval = CreditApproval.objects.get()
    assert response.redirect_chain == [(change(approval), 302)]
    words = f"Nothing is posted yet: 500.00 credits for {user.email} wait for approval by another person until "
    assert words in text_of(response)
    assert (approval.state, approval.reason, balance_of(user)) == ("pending", FORM["reason"], "0.000000")


def test_form_says_what_was_posted_within_a_day(browser):
    user = make_user()
    browser.post(posting_page(user), previewed(amount="60", type="goodwill"))
    page = text_of(browser.post(posting_page(user), {**FORM, "amount": "60", "type": "goodwill", "reference_id": "8"}))
    assert "With the 60.00 credits that you have posted to this customer within a day, this needs approval" in page
    assert '<input type="submit" value="Ask for approval"' in page


def test_form_that_is_sent_twice_asks_once(browser):
    user = make_user()
    chains = [browser.post(posting_page(user), LARGE, follow=True).redirect_chain for _ in range(2)]
    assert chains[0] == chains[1]
    assert CreditApproval.objects.count() == 1


def test_approval_shows_what_it_does_and_posts(browser, staff, asker):
    user = make_user()
    approval = ask(asker, user)
    assert url("approve", approval) in text_of(browser.get(change(approval)))
    page = text_of(browser.get(url("approve", approval)))
    for words in (
        f"bob@example.com asks to post 500.00 credits to {user.email} (Goodwill).<br>The reason: “outage”.",
        "The customer reads: “sorry”.",
        f"{user.email} has 0.00 credits now, and would have 500.00.",
    ):
        assert words in page
    response = browser.post(url("approve", approval), {"reason": ""}, follow=True)
    assert response.redirect_chain == [(change(approval), 302)]
    entry = CreditTransaction.objects.get()
    shown = text_of(response)
    assert f"Credits for {user.email} approved and posted." in shown
    assert f"/admin/credits/credittransaction/{entry.pk}/change/" in shown
    assert (entry.actor_id, balance_of(user)) == (staff.pk, "500.000000")
    assert only_event(action="credit_approval.approved").actor_id == staff.pk


def test_approval_that_is_sent_twice_posts_once(browser, asker):
    user = make_user()
    approval = ask(asker, user)
    for _ in range(2):
        browser.post(url("approve", approval), {"reason": ""})
    assert balance_of(user) == "500.000000"


def test_refusal_needs_a_reason(browser, staff, asker):
    approval = ask(asker, make_user())
    errors = form_errors(browser.post(url("refuse", approval), {"reason": " "}))
    assert errors == {"reason": ["This field is required."]}
    shown = text_of(browser.post(url("refuse", approval), {"reason": "too much"}, follow=True))
    assert "too much" in shown
    assert only_event(action="credit_approval.refused").reason == "too much"
    assert not CreditTransaction.objects.exists()
    assert url("approve", approval) not in text_of(browser.get(change(approval)))


@pytest.mark.parametrize("operation", ["approve", "refuse"])
def test_nobody_decides_about_an_own_request(browser, staff, asker, operation):
    """Superusers neither."""
    for person, client in ((asker, browser_of(asker)), (staff, browser)):
        approval = ask(person, make_user())
        assert url(operation, approval) not in text_of(client.get(change(approval)))
        for answer in (
            client.get(url(operation, approval), follow=True),
            client.post(url(operation, approval), {"reason": "x"}, follow=True),
        ):
            assert "You have asked for these credits yourself." in text_of(answer)
        approval.refresh_from_db()
        assert approval.state == "pending"
    assert not CreditTransaction.objects.exists()


def test_who_asked_withdraws_the_request_and_others_cannot(browser, asker):
    approval = ask(asker, make_user())
    assert url("withdraw", approval) not in text_of(browser.get(change(approval)))
    told = text_of(browser.post(url("withdraw", approval), {"reason": "x"}, follow=True))
    assert "Only the person who asked for these credits can withdraw them." in told
    own = browser_of(asker)
    assert url("withdraw", approval) in text_of(own.get(change(approval)))
    assert "bob@example.com asks to post 500.00 credits" in text_of(own.get(url("withdraw", approval)))
    shown = text_of(own.post(url("withdraw", approval), {"reason": "a mistake"}, follow=True))
    assert f"Credits for {approval.user.email} withdrawn." in shown
    assert "a mistake" in shown
    assert url("withdraw", approval) not in text_of(own.get(change(approval)))
    assert only_event(action="credit_approval.withdrawn").actor_id == asker.pk
    assert not CreditTransaction.objects.exists()


def test_refusal_by_the_service_is_shown(browser, asker):
    approval = ask(asker, make_user())
    User.objects.filter(pk=asker.pk).update(is_active=False)
    errors = form_errors(browser.post(url("approve", approval), {"reason": ""}))
    assert errors == {"__all__": ["The person who asked for these credits may not post them any more. Refuse them."]}


def test_list_is_filtered_by_the_state_now(browser, asker):
    pending, expired, refused = (ask(asker, make_user()) for _ in range(3))
    CreditApproval.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    browser.post(url("refuse", refused), {"reason": "no"})
    for query, found in (
        ({"state": "pending"}, [pending]),
        ({"state": "expired"}, [expired]),
        ({"state": "refused"}, [refused]),
        ({"state": "approved"}, []),
        ({"q": pending.user.email}, [pending]),
        ({"user__id__exact": refused.user_id}, [refused]),
        ({}, [refused, expired, pending]),
    ):
        assert list(browser.get(APPROVALS, query).context["cl"].result_list) == found, query
    page = text_of(browser.get(f"{APPROVALS}?state=expired"))
    assert ">Expired<" in page.partition("result_list")[2]
    assert url("approve", expired) not in text_of(browser.get(change(expired)))


def test_pages_need_the_scopes(limited, asker):
    approval = ask(asker, make_user())
    reader, stranger = limited("credits:read"), limited("customers:read")
    assert reader.get(APPROVALS).status_code == reader.get(change(approval)).status_code == 200
    assert url("approve", approval) not in text_of(reader.get(change(approval)))
    for page in (url("approve", approval), url("refuse", approval)):
        assert reader.post(page, {"reason": "x"}).status_code == 403
    for page in (APPROVALS, change(approval), url("approve", approval)):
        assert stranger.get(page).status_code == 403
    seller = limited("credits:read", "credits:grant")
    assert "credits:adjust" in form_errors(seller.post(url("approve", approval), {"reason": ""}))["__all__"][0]
    approval.refresh_from_db()
    assert approval.state == "pending"


def test_account_page_links_to_the_approvals(browser, asker):
    user = make_user()
    ask(asker, user)
    address = f"{APPROVALS}?user__id__exact={user.pk}"
    assert f'href="{address}"' in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert browser.get(address).status_code == 200


def test_number_of_queries_is_constant(browser, asker):
    def queries(number: int) -> int:
        for _ in range(number):
            ask(asker, make_user())
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(APPROVALS).status_code == 200
        return len(seen)

    assert queries(1) == queries(5)
