"""Sending a failed message again."""

import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.core.authorization.principal import OPERATOR
from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.mail.dependencies import message_service
from apps.mail.models import OutgoingMail
from tests.support.callers import session_of
from tests.support.captured_sql import captured
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration


async def only_message() -> OutgoingMail:
    (message,) = await rows(OutgoingMail.objects.all())
    return message


async def test_a_failed_message_is_locked_and_made_due(enqueue):
    await enqueue()
    await make(OutgoingMail.objects.update, failed_at=Now(), error="SMTPDataError", attempts=2)
    failed = await only_message()
    with captured() as sql:
        await message_service().send_again(OPERATOR, failed.pk)
    assert sql.changes == ["lock outgoing_mails", "update outgoing_mails"]
    message = await only_message()
    assert (message.failed_at, message.attempts, message.due_at > failed.due_at) == (None, 2, True)
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.target_id) == ("mail.sent_again", message.pk)
    assert event.after == {"kind": "test_mail", "attempts": 2, "error": "SMTPDataError"}


async def test_a_message_that_has_not_failed_is_not_sent_again(enqueue):
    await enqueue()
    with pytest.raises(Conflict):
        await message_service().send_again(OPERATOR, (await only_message()).pk)
    assert await rows(AuditEvent.objects.all()) == []


async def test_only_staff_send_messages_again(enqueue):
    await enqueue()
    await make(OutgoingMail.objects.update, failed_at=Now())
    with pytest.raises(NotAllowed):
        await message_service().send_again(session_of(7), (await only_message()).pk)
    with pytest.raises(NotFound):
        await message_service().send_again(OPERATOR, 2**62)
    assert (await only_message()).failed_at is not None
