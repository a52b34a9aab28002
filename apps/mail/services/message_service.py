"""Messages that are enqueued: sending failed ones again, and removing old ones."""

from typing import Any

from apps.audit.domain.audit_entry import AuditEntry, values_of
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.core.database.batches import remove_in_batches
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository

AUDITED = ("kind", "attempts", "error")


class MessageService:
    """Looks after messages of every kind."""

    def __init__(self, mails: OutgoingMailRepository, audit: AuditTrail) -> None:
        self._mails = mails
        self._audit = audit

    async def send_again(self, actor: Principal, message_id: int) -> None:
        """Enqueue a failed message again.

        Raises NotAllowed, NotFound, Conflict when it has not failed, or has expired with the links in it.
        """
        actor.require_staff()
        async with transaction():
            message: Any = await self._mails.lock(message_id)
            if message.failed_at is None or message.context_encrypted is None or message.has_expired:
                raise Conflict("Only a message that has failed, and whose links have not expired, can be sent again.")
            await self._mails.make_due(message)
            after = values_of(message, AUDITED)
            await self._audit.record(AuditEntry(actor, "mail.sent_again", "outgoing_mail", message_id, after=after))

    async def remove_old(self) -> int:
        """Remove messages that were sent or failed 30 days ago, in batches, and return how many."""
        return await remove_in_batches(self._mails.remove_old)
