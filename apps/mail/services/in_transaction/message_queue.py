"""Enqueues messages."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email

from apps.core.errors import ValidationFailed
from apps.mail.domain.message import MailMessage, MessageAllowance
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.rendering import seal


class MessageQueue:
    """Enqueues messages in the caller's transaction; they are sent in the background once it has committed."""

    def __init__(self, mails: OutgoingMailRepository) -> None:
        self._mails = mails

    async def enqueue(self, message: MailMessage) -> None:
        """Enqueue the message, unless its key is already stored; keys are kept for 30 days after sending or failing.

        Raises ValidationFailed when the recipient is not an e-mail address.
        """
        await self._mails.insert(**stored_fields(message))

    async def wait_seconds_for_account(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return the seconds until the account may get another message of these kinds, or 0.

        Messages count even if the links in them have been used or replaced. Exact while the account is locked.
        """
        return await self._mails.wait_seconds_for_account(user_id, kinds, allowance)

    async def wait_seconds_for_address(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return the seconds until the mailbox of an address may get another message of these kinds, or 0.

        Addresses in any case, and with any `+` suffix, are one mailbox. Locks it until the transaction ends. Lock
        accounts before.
        """
        await self._mails.lock_recipient(recipient)
        return await self._mails.wait_seconds_for_address(recipient, kinds, allowance)


def stored_fields(message: MailMessage) -> dict[str, Any]:
    """Return the columns of the message; raises ValidationFailed when the recipient is not an e-mail address."""
    return {
        "kind": message.kind,
        "recipient": _address(message.recipient),
        "user_id": message.user_id,
        "key": message.key,
        "context_encrypted": seal(message.context),
        "lifetime_seconds": message.lifetime_seconds,
    }


def _address(recipient: str) -> str:
    try:
        validate_email(recipient)
    except DjangoValidationError as error:
        raise ValidationFailed.of("recipient", "must be an e-mail address") from error
    return recipient
