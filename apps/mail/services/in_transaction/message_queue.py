"""Enqueues messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email

from apps.core.errors import ValidationFailed
from apps.mail.domain.message import FIVE_AN_HOUR, MailMessage, MessageAllowance, WaitingMessage
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.rendering import seal, unseal


class MessageQueue:
    """Enqueues messages in the caller's transaction; they are sent in the background once it has committed."""

    def __init__(self, mails: OutgoingMailRepository) -> None:
        self._mails = mails

    async def enqueue(self, message: MailMessage) -> None:
        """Enqueue the message, unless its key is already stored; keys are kept for 30 days after sending or failing.

        Raises ValidationFailed when the recipient is not an e-mail address.
        """
        await self._mails.insert(**stored_fields(message))

    async def enqueue_notice(self, message: MailMessage, *, is_verified: bool) -> None:
        """Enqueue a message about an event of an account; `is_verified` says whether its address is its user's.

        If not, one mailbox gets up to five of this kind an hour; further ones are dropped. A person can sign up with
        any number of addresses of another person's mailbox, and cause any number of events. This locks the mailbox;
        lock everything else before. Raises ValidationFailed when the recipient is not an e-mail address.
        """
        if is_verified or not await self.wait_seconds_for_address(message.recipient, [message.kind], FIVE_AN_HOUR):
            await self.enqueue(message)

    async def lock_waiting(self, user_id: int, kind: str) -> WaitingMessage | None:
        """Lock and return the account's message of this kind that no worker has claimed yet, or None.

        It is not sent until the transaction ends, so its context may be replaced. Exact while the account is locked.
        """
        waiting = await self._mails.lock_waiting(user_id, kind)
        sealed = waiting.context_encrypted if waiting else None
        context = unseal(bytes(sealed)) if sealed is not None else None
        return WaitingMessage(waiting.pk, context) if waiting and context is not None else None

    async def replace_context(self, message: WaitingMessage, context: Mapping[str, str]) -> None:
        """Replace the context of a waiting message."""
        await self._mails.set_context(message.id, seal(context))

    async def wait_seconds_for_account(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return the seconds until the account may get another message of these kinds, or 0.

        Messages count even if the links in them have been used or replaced. Exact while the account is locked.
        """
        return await self._mails.wait_seconds_for_account(user_id, kinds, allowance)

    async def wait_seconds_for_address(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return the seconds until the mailbox of an address may get another message of these kinds, or 0.

        Addresses in any case, with any `+` suffix and with any dots before the @, are one mailbox. Locks it until the
        transaction ends. Lock accounts before.
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
        "delay_seconds": message.delay_seconds,
    }


def _address(recipient: str) -> str:
    try:
        validate_email(recipient)
    except DjangoValidationError as error:
        raise ValidationFailed.of("recipient", "must be an e-mail address") from error
    return recipient
