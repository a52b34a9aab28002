"""Staff have the mail sent that sets a new password, and never learn one."""

from apps.audit.models import AuditEvent
from tests.integration.backoffice.pages import USERS, only_event, text_of
from tests.support.factories import make_staff, make_user
from tests.support.mailbox import letters_to

SEND = f"{USERS}send-password-reset/"


def test_mail_is_sent_after_a_confirmation(browser, staff):
    user = make_user(email="ann@example.com")
    assert "Send a password reset message" in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    page = f"{SEND}?id={user.pk}"
    assert "ann@example.com" in text_of(browser.get(page))
    assert letters_to("ann@example.com") == []
    assert browser.post(page).status_code == 302
    assert [message.kind for message in letters_to("ann@example.com")] == ["reset_password"]
    assert only_event(action="password.reset_sent", target_id=user.pk).actor_id == staff.pk


def test_reset_is_not_offered_for_inactive_accounts(browser):
    user = make_user(email="ann@example.com", is_active=False)
    assert "Send a password reset message" not in text_of(browser.get(f"{USERS}{user.pk}/change/"))
    assert browser.post(f"{SEND}?id={user.pk}").status_code == 302
    assert letters_to("ann@example.com") == []
    assert not AuditEvent.objects.exists()


def test_reset_for_staff_needs_the_scope_to_manage_staff(limited):
    colleague = make_staff(email="boss@example.com")
    page = f"{SEND}?id={colleague.pk}"
    assert limited("customers:read").post(page).status_code == 403
    assert limited("customers:read", "customers:write").post(page).status_code == 403
    assert "lacks the scope staff:manage" in text_of(limited("customers:read", "security:write").post(page))
    assert letters_to("boss@example.com") == []
