"""Sends failed messages again, and checks with a test message that mail is delivered."""

import asyncio
from secrets import token_hex
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import SYSTEM_WRITE
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, Unavailable
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.schemas.outgoing_mail import MailCheckOut
from apps.mail.services.delivery import SEND_SECONDS_MAXIMUM, Delivery
from apps.mail.services.in_transaction.message_queue import MessageQueue

AUDITED = ("kind", "attempts", "error")


LIFETIME_SECONDS = 600
POLL_SECONDS = 0.2


class MessageService:
    """Sends failed messages again."""

    def __init__(self, mails: OutgoingMailRepository, audit: AuditTrail) -> None:
        self._mails = mails
        self._audit = audit

    async def send_again(self, actor: Principal, message_id: int) -> None:
        """Enqueue a failed message again.

        Raises NotAllowed, InsufficientScopes, NotFound, Conflict when it has not failed, or has expired with the links
        in it.
        """
        actor.require_scope(SYSTEM_WRITE)
        async with transaction():
            message: Any = await self._mails.lock(message_id)
            if message.failed_at is None or message.context_encrypted is None or message.has_expired:
                raise Conflict("Only a failed message whose links have not expired can be sent again.")
            await self._mails.make_due(message)
            after = values_of(message, AUDITED)
            await self._audit.record(AuditEntry(actor, "mail.sent_again", "outgoing_mail", message_id, after=after))


class MailCheck:
    """Sends a test message."""

    def __init__(
        self, mails: OutgoingMailRepository, queue: MessageQueue, delivery: Delivery, *, has_mailer: bool
    ) -> None:
        self._mails = mails
        self._queue = queue
        self._delivery = delivery
        self._has_mailer = has_mailer

    async def enqueue(self, recipient: str) -> MailCheckOut:
        """Enqueue the message for a running server to send; raises ValidationFailed."""
        await self._enqueue(recipient)
        return MailCheckOut(recipient=recipient, state="enqueued")

    async def send(self, recipient: str) -> MailCheckOut:
        """Enqueue the message, send it, and wait for the outcome.

        Raises ValidationFailed, Conflict when MAIL_URL is not set, Unavailable with the error's class when the message
        was not sent.
        """
        if not self._has_mailer:
            raise Conflict("MAIL_URL is not set, so mail is not delivered and messages stay enqueued. Set MAIL_URL.")
        mail = await self._outcome(await self._enqueue(recipient))
        if mail is None or mail.sent_at is None:
            raise Unavailable(f"The message was not sent: {mail.error if mail else 'no worker has claimed it'}")
        return MailCheckOut(recipient=recipient, state="sent")

    async def _enqueue(self, recipient: str) -> str:
        key = f"test_mail:{token_hex(16)}"
        async with transaction():
            await self._queue.enqueue(
                MailMessage("test_mail", recipient, key, None, {}, lifetime_seconds=LIFETIME_SECONDS)
            )
        return key

    async def _outcome(self, key: str) -> OutgoingMail | None:
        # A running server may have claimed the message first, so the outcome is awaited.
        for _ in range(int(SEND_SECONDS_MAXIMUM / POLL_SECONDS)):
            await self._delivery.deliver(key)
            mail = await self._mails.find_by_key(key)
            if mail is not None and (mail.sent_at is not None or mail.error):
                return mail
            await asyncio.sleep(POLL_SECONDS)
        return await self._mails.find_by_key(key)
