"""The history of a row: its events in the audit trail, for staff with the permission to read them."""

from typing import Any

import pytest
from django.test import Client

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.credits.dependencies import credit_service
from apps.credits.models import CreditTransaction
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.second_factors.models import Passkey, TotpDevice
from tests.integration.backoffice.pages import EVENTS, KEYS, USERS, text_of
from tests.integration.backoffice.test_second_factor_pages import DEVICES, PASSKEYS, person
from tests.support.factories import make_key
from tests.support.staff_browser import admin_session

pytestmark = pytest.mark.integration

BALANCES, LEDGER = "/admin/credits/creditbalance/", "/admin/credits/credittransaction/"
SESSIONS = "/admin/authentication/session/"
BUTTON = 'class="historylink"'


def _rows() -> dict[str, tuple[str, int]]:
    """Return pages of rows with the kind of target that each has in the audit trail."""
    user = person()
    session, passkey, device = admin_session(user), Passkey.objects.get(), TotpDevice.objects.get()
    key = make_key(user)
    return {
        f"{USERS}{user.pk}/": ("user", user.pk),
        f"{KEYS}{key.id}/": ("api_key", key.id),
        f"{SESSIONS}{session.pk}/": ("session", session.pk),
        f"{PASSKEYS}{passkey.pk}/": ("passkey", passkey.pk),
        f"{DEVICES}{device.pk}/": ("user", user.pk),
        f"{BALANCES}{user.pk}/": ("user", user.pk),
    }


def test_history_is_the_audit_trail_of_the_row(browser: Client):
    for page, (kind, number) in _rows().items():
        assert BUTTON in text_of(browser.get(f"{page}change/")), page
        history = browser.get(f"{page}history/")
        assert history.headers["location"] == f"{EVENTS}?target_kind={kind}&target_id={number}"
        assert browser.get(history.headers["location"]).status_code == 200


def test_rows_without_history_have_no_link(browser: Client):
    user = person()
    posting = CreditPosting.model_validate({"amount": "1"})
    call_service(credit_service().post, OPERATOR, user.pk, posting)
    entry = CreditTransaction.objects.get()
    events: Any = browser.get(EVENTS).context["cl"].result_list
    for page in (f"{LEDGER}{entry.pk}/", f"{EVENTS}{events[0].pk}/"):
        assert BUTTON not in text_of(browser.get(f"{page}change/"))
        assert browser.get(f"{page}history/").status_code == 404
    assert browser.get(f"{USERS}999999/history/").status_code == 404


def test_history_needs_the_permission_for_the_trail(limited):
    browser, user = limited("customers:read"), person()
    page = text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert (user.email in page, BUTTON in page) == (True, False)
    reader = limited("customers:read", "audit:read")
    assert BUTTON in text_of(reader.get(f"{USERS}{user.pk}/change/"))
    assert browser.get(f"{KEYS}1/history/").status_code == 403
