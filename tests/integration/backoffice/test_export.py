"""Staff export the personal data of a customer from the account's page."""

import json

from apps.audit.models import AuditEvent
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


def test_export_needs_the_change_permission_and_of_staff_a_superuser(limited):
    boss = make_staff()
    assert limited("users.view_user").post(f"{USERS}export/?id={boss.pk}").status_code == 403
    assert "Only a superuser" in text_of(limited("users.change_user").post(f"{USERS}export/?id={boss.pk}"))
    assert not AuditEvent.objects.exists()
