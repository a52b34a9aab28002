"""Takes letters in, and looks after them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.database.batches import remove_in_batches
from apps.core.errors import Conflict, ValidationFailed
from apps.mail.domain.message import MailMessage, MessageAllowance
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.message_context import seal


class MailService:
    """Posts letters, which are sent in the background."""

    def __init__(self, mails: OutgoingMailRepository) -> None:
        self._mails = mails

    def post(self, letter: MailMessage) -> None:
        """Post the letter in the transaction that is open on the calling thread: neither is without the other.

        It is a `PostLetter`. The same key posts once, for as long as the letter is kept: 30 days after it was sent or
        given up. Raises ValidationFailed when the recipient is no address, or contains a line break.
        """
        self._mails.add(**_fields(letter))

    async def post_alone(self, letter: MailMessage) -> None:
        """Post the letter in a transaction of its own: for what changes nothing else. Raises ValidationFailed."""
        await self._mails.add_alone(**_fields(letter))

    def wait_of_account(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the account may have another letter of these kinds, or 0 when it may at once.

        Letters count whatever became of the links in them. Exact while the account is locked on the calling thread.
        """
        return self._mails.wait_of_account(user_id, kinds, allowance)

    def wait_to_address(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds an address, in whatever case, may get another letter of these kinds, or 0.

        Exact for the rest of the transaction that is open on the calling thread. Lock order: accounts before.
        """
        return self._mails.wait_to_address(recipient, kinds, allowance)

    def forget_user(self, user_id: int) -> None:
        """Blank the addresses on the account's letters, in the transaction that is open on the calling thread.

        Those that were not sent yet are not sent any more. It is an `ErasePersonalData`.
        """
        self._mails.forget_user(user_id)

    def forget_address(self, recipient: str, until: datetime) -> None:
        """Do the same with letters that are no account's: of sign-ups, of invitations. It is an `EraseAddress`."""
        self._mails.forget_address(recipient, until)

    async def send_again(self, actor: Principal, mail_id: int) -> None:
        """Let a letter that was given up be tried again.

        Raises NotAllowed, NotFound, Conflict when it was not given up, or when what it leads to has expired.
        """
        actor.require_staff()
        if not await self._mails.send_again(mail_id, AuditEntry(actor, "mail.sent_again", "outgoing_mail")):
            raise Conflict("Only a letter that was given up, and whose links are still good, can be sent again.")

    async def remove_old(self) -> int:
        """Remove letters that were sent or given up 30 days ago, in batches, and return how many."""
        return await remove_in_batches(self._mails.remove_old)


def _fields(letter: MailMessage) -> dict[str, Any]:
    return {
        "kind": letter.kind,
        "recipient": _address(letter.recipient),
        "user_id": letter.user_id,
        "key": letter.key,
        "context_encrypted": seal(letter.context),
        "lifetime_seconds": letter.lifetime_seconds,
    }


def _address(recipient: str) -> str:
    try:
        validate_email(recipient)
    except DjangoValidationError as error:
        raise ValidationFailed.of("recipient", "is not an e-mail address") from error
    return recipient
