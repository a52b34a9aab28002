"""Messages in the admin: finding them, and sending them again."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.core.database.transaction import transaction
from apps.core.event_loop import call_service
from apps.mail.dependencies import message_queue
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from tests.integration.backoffice.pages import only_event, text_of

pytestmark = pytest.mark.integration

MAILS = "/admin/mail/outgoingmail/"
TOKEN = "single-use-token"


async def enqueue(message: MailMessage) -> None:
    async with transaction():
        await message_queue().enqueue(message)


def make_mail(key: str = "test:1", recipient: str = "ann@example.com", **changes) -> OutgoingMail:
    context = {"link": f"https://app.example.com/#token={TOKEN}"}
    call_service(enqueue, MailMessage("test_mail", recipient, key, 7, context))
    OutgoingMail.objects.filter(key=key).update(**changes)
    return OutgoingMail.objects.get(key=key)


def test_the_list_shows_recipients_and_states(browser):
    make_mail("1", "sent@example.com", sent_at=Now(), context_encrypted=None)
    make_mail("2", "failed@example.com", failed_at=Now(), error="SMTPRecipientsRefused")
    make_mail("3", "waiting@example.com")
    page = text_of(browser.get(MAILS))
    for word in ("sent@example.com", "failed@example.com", "waiting@example.com", "SMTPRecipientsRefused"):
        assert word in page
    for state in ("sent", "failed", "waiting"):
        listed = text_of(browser.get(f"{MAILS}?state={state}"))
        assert [word for word in ("sent", "failed", "waiting") if f"{word}@example.com" in listed] == [state]
    assert "waiting@example.com" in text_of(browser.get(f"{MAILS}?q=WAITING"))
    assert "waiting@example.com" not in text_of(browser.get(f"{MAILS}?q=sent@"))


def test_no_page_shows_the_content_of_a_message(browser):
    mail = make_mail()
    sealed = bytes(mail.context_encrypted or b"").decode()
    for address in (MAILS, f"{MAILS}{mail.pk}/change/"):
        page = text_of(browser.get(address))
        assert "ann@example.com" in page
        assert TOKEN not in page
        assert sealed not in page


def test_a_failed_message_is_sent_again(browser, staff):
    mail = make_mail(failed_at=Now(), due_at=Now() + timedelta(hours=1), error="SMTPDataError", attempts=3)
    assert "send_again/" in text_of(browser.get(f"{MAILS}{mail.pk}/change/"))
    answer = browser.post(f"{MAILS}send_again/?id={mail.pk}", follow=True)
    assert "sent again." in text_of(answer)
    mail.refresh_from_db()
    assert (mail.failed_at, mail.attempts) == (None, 3)
    assert not OutgoingMail.objects.filter(due_at__gt=Now()).exists()
    event = only_event(action="mail.sent_again")
    assert (event.actor_id, event.target_kind, event.target_id) == (staff.pk, "outgoing_mail", mail.pk)
    assert event.after == {"kind": "test_mail", "attempts": 3, "error": "SMTPDataError"}


@pytest.mark.parametrize(
    "changes",
    [{}, {"sent_at": Now(), "context_encrypted": None}, {"failed_at": Now(), "context_encrypted": None}],
    ids=["waiting", "sent", "expired"],
)
def test_no_other_message_is_sent_again(browser, changes):
    mail = make_mail(**changes)
    assert "“Send again” does not apply here." in text_of(browser.post(f"{MAILS}send_again/?id={mail.pk}", follow=True))
    assert not AuditEvent.objects.exists()


def test_an_expired_message_is_not_sent_again(browser):
    mail = make_mail(failed_at=Now(), expires_at=Now() - timedelta(seconds=1))
    answer = browser.post(f"{MAILS}send_again/?id={mail.pk}")
    assert "whose links have not expired" in text_of(answer)
    mail.refresh_from_db()
    assert mail.failed_at is not None
    assert not AuditEvent.objects.exists()


def test_the_view_permission_does_not_send_again(limited):
    mail = make_mail(failed_at=Now())
    looker = limited("system:read")
    page = text_of(looker.get(f"{MAILS}{mail.pk}/change/"))
    assert "send_again/" not in page
    assert looker.post(f"{MAILS}send_again/?id={mail.pk}").status_code == 403
    mail.refresh_from_db()
    assert mail.failed_at is not None


def test_the_change_permission_sends_again_and_changes_nothing_else(limited):
    mail = make_mail(failed_at=Now())
    clerk = limited("system:read", "system:write")
    for page in (f"{mail.pk}/change/", f"{mail.pk}/delete/", "add/"):
        assert clerk.post(MAILS + page, {"recipient": "mallory@example.com"}).status_code == 403
    assert clerk.post(f"{MAILS}send_again/?id={mail.pk}").status_code == 302
    mail.refresh_from_db()
    assert (mail.recipient, mail.failed_at) == ("ann@example.com", None)


def test_staff_without_permissions_see_nothing(limited):
    mail = make_mail()
    unauthorized = limited()
    assert unauthorized.get(MAILS).status_code == 403
    assert unauthorized.get(f"{MAILS}{mail.pk}/change/").status_code == 403
