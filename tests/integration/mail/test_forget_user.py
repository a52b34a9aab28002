"""An account that is erased leaves no address behind, and gets no more letters."""

import pytest

from apps.mail.dependencies import mail_service, outgoing_mail_repository
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from apps.mail.services.delivery import LEASE_SECONDS
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration


async def test_what_was_sent_and_what_was_not(post, deliver, inbox):
    await post(key="sent")
    await deliver()
    await post(key="waiting")
    await make(mail_service().post, MailMessage("test_mail", "bob@example.com", "of another", 8, {}))
    await make(mail_service().forget_user, 7)
    mails = {mail.key: mail for mail in await rows(OutgoingMail.objects.all())}
    assert {key: (mail.recipient, mail.user_id) for key, mail in mails.items()} == {
        "sent": ("", None),
        "waiting": ("", None),
        "of another": ("bob@example.com", 8),
    }
    assert (mails["sent"].failed_at, mails["waiting"].context_encrypted) == (None, None)
    assert mails["waiting"].failed_at is not None


async def test_what_was_being_sent_is_not_tried_again(post, deliver, inbox):
    await post()
    (claimed,) = await outgoing_mail_repository().claim(4, LEASE_SECONDS)
    await make(mail_service().forget_user, 7)
    await outgoing_mail_repository().note_failure(claimed, "TimeoutError", wait_seconds=0, is_final=False)
    mail = await deliver()
    assert (mail.failed_at is not None, mail.attempts, mail.error) == (True, 1, "")
    assert inbox.messages == []


async def test_what_it_was_told_is_not_told_again(post):
    await post(key="waiting")
    await make(mail_service().forget_user, 7)
    await post(key="waiting")
    (mail,) = await rows(OutgoingMail.objects.all())
    assert mail.recipient == ""
