"""Invitations in the admin."""

import re

from apps.audit.models import AuditEvent
from apps.plans.models import Plan
from apps.users.models import Invitation
from tests.integration.backoffice.pages import STAFF, form_errors, only_event, text_of
from tests.support.factories import make_user
from tests.support.mailbox import letters_to

INVITATIONS = "/admin/users/invitation/"
ANN = "ann@example.com"


def invite(browser, **fields) -> Invitation:
    assert browser.post(f"{INVITATIONS}add/", {"email": ANN, "plan": "", **fields}).status_code == 302
    return Invitation.objects.latest("id")


def test_staff_invite(browser, staff):
    pro = Plan.objects.get(name="pro")
    invitation = invite(browser, plan=pro.pk)
    assert (invitation.email, invitation.plan, invitation.invited_by) == (ANN, pro, staff)
    assert [message.kind for message in letters_to(ANN)] == ["invitation"]
    event = only_event(action="invitation.sent")
    assert (event.actor_id, event.target_id) == (staff.pk, invitation.pk)
    assert f"The invitation was sent to {ANN}. Its link is valid until " in text_of(browser.get(INVITATIONS))


def test_invalid_invitation_is_refused(browser):
    make_user(email=ANN)
    for email in (ANN, "nobody"):
        assert "email" in form_errors(browser.post(f"{INVITATIONS}add/", {"email": email, "plan": ""}))
    assert not Invitation.objects.exists()
    assert not AuditEvent.objects.exists()


def test_no_invitation_without_registration(browser, settings):
    invitation = invite(browser)
    settings.REGISTRATION = "off"
    refusal = "Registration is off, so an invitation could not be accepted."
    assert refusal in text_of(browser.post(f"{INVITATIONS}add/", {"email": "bob@example.com", "plan": ""}))
    assert refusal in text_of(browser.post(f"{INVITATIONS}resend/?id={invitation.pk}"))
    assert (list(Invitation.objects.all()), len(letters_to(ANN))) == ([invitation], 1)


def test_sending_again_and_revoking_need_a_confirmation(browser):
    invitation = invite(browser)
    for operation in ("resend", "revoke"):
        page = f"{INVITATIONS}{operation}/?id={invitation.pk}"
        assert ANN in text_of(browser.get(page))
        assert browser.post(page).status_code == 302
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
    assert len(letters_to(ANN)) == 2
    assert [event.action for event in AuditEvent.objects.order_by("id")] == [
        "invitation.sent", "invitation.resent", "invitation.revoked",
    ]  # fmt: skip


def test_reading_scope_changes_no_invitation(browser, limited):
    invitation = invite(browser)
    reader = limited("customers:read")
    assert ANN in text_of(reader.get(f"{INVITATIONS}{invitation.pk}/change/"))
    for operation in ("resend", "revoke"):
        assert reader.post(f"{INVITATIONS}{operation}/?id={invitation.pk}").status_code == 403
    invitation.refresh_from_db()
    assert (invitation.revoked_at, len(letters_to(ANN))) == (None, 1)
    assert (
        limited("customers:read", "customers:write").post(f"{INVITATIONS}revoke/?id={invitation.pk}").status_code == 302
    )


def test_invitation_page_is_read_only(browser, limited):
    invitation = invite(browser)
    page = f"{INVITATIONS}{invitation.pk}/change/"
    shown = text_of(browser.get(page))
    assert ANN in shown
    assert 'name="_save"' not in shown
    assert browser.post(page, {"email": "other@example.com"}).status_code == 403
    assert Invitation.objects.get().email == ANN
    assert limited("keys:read").get(INVITATIONS).status_code == 403


def test_staff_are_invited_with_roles_from_the_list_of_staff(browser, staff):
    link = "/admin/users/invitation/add/?is_staff=on"
    assert f'href="{link}"' in text_of(browser.get(STAFF))
    form = text_of(browser.get(link))
    assert re.search(r'<input type="checkbox" name="is_staff"[^>]* checked', form)
    assert "password" not in _names(form)
    invitation = invite(browser, is_staff="on", roles=["support", "finance"])
    assert (invitation.is_staff, invitation.invited_by) == (True, staff)
    assert [message.kind for message in letters_to(ANN)] == ["staff_invitation"]
    assert "finance, support" in text_of(browser.get(INVITATIONS))
    assert "finance, support" in text_of(browser.get(f"{INVITATIONS}{invitation.pk}/change/"))


def test_who_does_not_manage_staff_invites_customers_only(limited):
    support = limited("customers:read", "customers:write")
    assert "Invite a member of staff" not in text_of(support.get(STAFF))
    assert _names(text_of(support.get(f"{INVITATIONS}add/?is_staff=on"))).isdisjoint({"is_staff", "roles"})
    assert invite(support, is_staff="on", roles=["support"]).is_staff is False


def test_roles_that_the_inviter_cannot_give_are_refused(limited):
    manager = limited("customers:read", "customers:write", "staff:manage", "staff:read")
    (reason,) = form_errors(
        manager.post(f"{INVITATIONS}add/", {"email": ANN, "plan": "", "is_staff": "on", "roles": ["finance"]})
    )["__all__"]
    assert reason.startswith("You cannot give scopes that you lack: ")
    assert not Invitation.objects.exists()


def _names(page: str) -> set[str]:
    return set(re.findall(r'<(?:input|select|textarea)[^>]* name="(\w+)"', page))
