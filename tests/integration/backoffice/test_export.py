"""Staff export the personal data of a customer from the account's page."""

import json

from apps.audit.models import AuditEvent
from apps.personal_data.services.data_export import EXPORT_SCOPES
from tests.integration.backoffice.pages import USERS, only_event, text_of
from tests.support.factories import make_staff, make_user


def test_export_is_downloaded_after_a_confirmation(browser, staff):
    user = make_user(email="ann@example.com")
    assert "Export data" in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    page = f"{USERS}export/?id={user.pk}"
    assert "ann@example.com" in text_of(browser.get(page))
    response = browser.post(page)
    assert response.headers["content-disposition"] == f'attachment; filename="account-{user.pk}.json"'
    assert json.loads(response.content)["account"]["email"] == "ann@example.com"
    assert only_event(action="user.exported", target_id=user.pk).actor_id == staff.pk


def test_export_needs_every_scope_that_reads_and_of_staff_the_right_to_manage_them(limited):
    boss = make_staff()
    page = f"{USERS}export/?id={boss.pk}"
    assert limited(*EXPORT_SCOPES[:-1]).post(page).status_code == 403
    assert "lacks the scope staff:manage" in text_of(limited(*EXPORT_SCOPES).post(page))
    assert not AuditEvent.objects.exists()
