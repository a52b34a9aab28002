"""Erasing an account blanks its messages and stops those that were not sent."""

import pytest

from apps.core.database.transaction import transaction
from apps.mail.dependencies import mail_personal_data
from apps.mail.models import OutgoingMail
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.delivery import LEASE_SECONDS
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration


async def erase() -> None:
    async with transaction():
        await mail_personal_data().erase(7)


async def test_recipients_are_blanked_and_unsent_messages_fail(enqueue, deliver, inbox):
    await enqueue(key="sent")
    await deliver()
    await enqueue(key="waiting")
    await enqueue("bob@example.com", "of another")
    await make(OutgoingMail.objects.filter(key="of another").update, user_id=8)
    await erase()
    mails = {mail.key: mail for mail in await rows(OutgoingMail.objects.all())}
    assert {key: (mail.recipient, mail.user_id) for key, mail in mails.items()} == {
        "sent": ("", None),
        "waiting": ("", None),
        "of another": ("bob@example.com", 8),
    }
    assert (mails["sent"].failed_at, mails["waiting"].context_encrypted) == (None, None)
    assert mails["waiting"].failed_at is not None


async def test_a_message_that_is_being_sent_is_not_tried_again(enqueue, deliver, inbox):
    await enqueue()
    (claimed,) = await OutgoingMailRepository().claim(4, LEASE_SECONDS)
    await erase()
    await OutgoingMailRepository().record_failure(claimed, "TimeoutError", wait_seconds=0, is_final=False)
    mail = await deliver()
    assert (mail.failed_at is not None, mail.attempts, mail.error) == (True, 1, "")
    assert inbox.messages == []


async def test_an_erased_key_is_not_enqueued_again(enqueue):
    await enqueue(key="waiting")
    await erase()
    await enqueue(key="waiting")
    (mail,) = await rows(OutgoingMail.objects.all())
    assert mail.recipient == ""


async def test_messages_to_an_address_of_no_account_are_erased_up_to_a_moment(enqueue):
    for key in ("before", "after", "of an account"):
        await enqueue("Ann@Example.com", key)
    await make(OutgoingMail.objects.exclude(key="of an account").update, user_id=None)
    (before,) = await rows(OutgoingMail.objects.filter(key="before"))
    async with transaction():
        await mail_personal_data().erase_address("ann@example.com", before.created_at)
    mails = {mail.key: mail for mail in await rows(OutgoingMail.objects.all())}
    assert {key: mail.recipient for key, mail in mails.items()} == {
        "before": "",
        "after": "Ann@Example.com",
        "of an account": "Ann@Example.com",
    }
    assert [key for key, mail in mails.items() if mail.failed_at] == ["before"]
