"""Staff find any call by its request id, which is sent in the body."""

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.api_keys.services import key_format
from apps.core.event_loop import call_service
from apps.usage.dependencies import refusals
from apps.verification.services.call_search import CallSearch
from tests.integration.backoffice.pages import text_of
from tests.integration.usage.pending import spend
from tests.integration.usage.test_refusals import refused
from tests.support.factories import give_credits, make_key

pytestmark = pytest.mark.integration

CALLS = "/admin/calls/"


def test_calls_are_found_with_their_verdict_and_lead_to_their_key(browser):
    payer, other = make_key(), make_key()
    give_credits(payer.row.user, 5)
    spend([payer], "2", request_id="req 7")
    sample = refused(other.id, "req 7", user_id=other.row.user_id, code="EXPIRED", detail="key", address="192.0.2.7")
    call_service(refusals().write, [sample, refused(other.id, "another")])
    assert browser.get(CALLS).status_code == 200
    page = " ".join(text_of(browser.post(CALLS, {"request_id": " req 7 "})).split())
    assert '<span class="badge active">VALID</span>' in page
    assert "cost 2.00, weight 1" in page
    assert "ledger entry" in page
    assert "passed: Found, Enabled; not made: Owner, Address, Scopes, Operation, Rate limits, " in page
    assert '<span class="badge revoked">EXPIRED</span></td> <td data-label="Why">the key has expired<' in page
    assert "from 192.0.2.7" in page
    for key in (payer, other):
        assert reverse("admin:api_keys_apikey_change", args=[key.id]) in page


def test_call_with_an_unknown_key_is_shown(browser):
    sample = refused(0, "lost", user_id=0, code="NOT_FOUND", detail="", occurred_at=timezone.now())
    call_service(refusals().write, [sample])
    page = text_of(browser.post(CALLS, {"request_id": "lost"}))
    assert ">no key has this secret<" in page
    assert "not found" in page


@pytest.mark.parametrize("request_id", ["nowhere", "<script>"])
def test_unknown_id_is_said_to_be_unknown(browser, request_id):
    page = browser.post(CALLS, {"request_id": request_id}).content.decode()
    assert "No call has this request id." in page
    assert "<script>" not in page


@pytest.mark.parametrize("request_id", ["", "x" * 101, "a\x00b"])
def test_invalid_id_is_refused(browser, request_id):
    response = browser.post(CALLS, {"request_id": request_id})
    assert response.status_code == 200
    assert "request_id" in response.context["form"].errors


def test_exact_blanks_of_an_id_matter(browser):
    key = make_key()
    call_service(refusals().write, [refused(key.id, "req  7", user_id=key.row.user_id)])
    page = text_of(browser.post(CALLS, {"request_id": "req  7"}))
    assert reverse("admin:api_keys_apikey_change", args=[key.id]) in page


def test_pasted_key_reaches_neither_the_page_nor_the_database(browser, monkeypatch):
    """PostgreSQL logs a slow statement together with the id."""
    secret, found = key_format.generate_key("live"), CallSearch.find
    looked_for = []

    async def find(self, actor, request_id):
        looked_for.append(request_id)
        return await found(self, actor, request_id)

    monkeypatch.setattr(CallSearch, "find", find)
    page = text_of(browser.post(CALLS, {"request_id": f'"{secret}"'}))
    assert "No call has this request id." in page
    assert secret not in page
    assert looked_for == [f'"{key_format.visible_prefix(secret)}"']


def test_only_staff_who_may_read_keys(limited):
    assert limited("customers:read").get(CALLS).status_code == 403
    assert limited("keys:read").get(CALLS).status_code == 200
