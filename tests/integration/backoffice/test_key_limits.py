"""A key's windows and budget in the admin."""

from decimal import Decimal

import pytest

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.audit.models import AuditEvent
from tests.integration.backoffice.pages import KEYS, form_errors, only_event, text_of
from tests.support.factories import make_key, make_user

pytestmark = pytest.mark.integration

MINUTE = {"name": "minute", "limit": 6000, "period_seconds": 60}
WRONG = [
    ({"rate_limits": "minute 60"}, "rate_limits", "Line 1: Enter a name"),
    ({"rate_limits": "a 1 per day\na 2 per hour"}, "rate_limits", "unique name for each"),
    ({"rate_limits": "a;b 1 per day"}, "rate_limits", "Line 1: String should match"),
    ({"rate_limits": "a 1 per 0 days"}, "rate_limits", "Line 1: Input should be greater"),
    ({"budget": "-1"}, "budget", "greater than or equal to 0"),
    ({"budget": "1.0000001"}, "budget", "6 decimal places"),
    ({"budget": "100000000000000"}, "budget", "14 digits"),
    ({"budget": "NaN"}, "budget", "Enter a number"),
]


def _page(key_id: int) -> str:
    return f"{KEYS}{key_id}/change/"


def test_key_is_created_with_rate_limits_and_budget(browser):
    fields = {"rate_limits": "minute 6000 per minute", "budget": "2.5"}
    new = {"user": make_user().pk, "name": "production", "environment": "live", **fields}
    assert browser.post(f"{KEYS}add/", new, follow=True).context["key"].api_key
    key = ApiKey.objects.get()
    assert (key.rate_limits, key.budget) == ([MINUTE], Decimal("2.5"))


def test_page_shows_rate_limits_budget_and_spending(browser):
    key = make_key(rate_limits=[MINUTE], budget=5)
    ApiKeyCounter.objects.update(budget_spent="1.25")
    page = text_of(browser.get(_page(key.id)))
    assert "minute 6000 per minute</textarea>" in page
    assert 'value="5.000000"' in page
    assert ">1.25<" in page


def test_rate_limits_and_budget_are_changed(browser, staff):
    key = make_key(rate_limits=[MINUTE], budget=5)
    form = {"name": "key", "is_active": "on", "rate_limits": "burst 0 per second", "budget": ""}
    assert browser.post(_page(key.id), form).status_code == 302
    key.row.refresh_from_db()
    burst = {"name": "burst", "limit": 0, "period_seconds": 1}
    assert (key.row.rate_limits, key.row.budget) == ([burst], None)
    event = only_event(action="api_key.updated")
    assert event.actor_id == staff.pk
    assert event.before == {"rate_limits": [MINUTE], "budget": "5.000000"}
    assert event.after == {"rate_limits": [burst], "budget": None}


def test_saving_without_changes_changes_nothing(browser):
    key = make_key(rate_limits=[MINUTE], budget=5)
    form = {"name": "key", "is_active": "on", "rate_limits": "minute 6000 per 60s", "budget": "5.000000"}
    assert browser.post(_page(key.id), form).status_code == 302
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(("wrong", "field", "words"), WRONG)
def test_invalid_limits_are_refused(browser, wrong, field, words):
    key = make_key(name="old")
    new = {"user": make_user().pk, "name": "new", "environment": "live", "is_active": "on", **wrong}
    for page in (f"{KEYS}add/", _page(key.id)):
        assert words in form_errors(browser.post(page, new))[field][0]
    key.row.refresh_from_db()
    assert (key.row.name, key.row.rate_limits, key.row.budget, ApiKey.objects.count()) == ("old", [], None, 1)
    assert not AuditEvent.objects.exists()
