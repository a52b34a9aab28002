"""Enqueueing mail, for apps that still write on threads."""

from collections.abc import Sequence
from datetime import datetime

from apps.mail.domain.message import MailMessage, MessageAllowance
from apps.mail.repositories.old_outgoing_mail_repository import OldOutgoingMailRepository
from apps.mail.services.in_transaction.message_queue import stored_fields


class MailService:
    """Does what `MessageQueue` and `MailPersonalData` do, in the transaction that is open on the calling thread."""

    def __init__(self, mails: OldOutgoingMailRepository) -> None:
        self._mails = mails

    def post(self, message: MailMessage) -> None:
        """Enqueue the message. It is a `PostLetter`."""
        self._mails.insert(**stored_fields(message))

    def wait_of_account(self, user_id: int, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds the account may get another message of these kinds, or 0."""
        return self._mails.seconds_until_account_may(user_id, kinds, allowance)

    def wait_to_address(self, recipient: str, kinds: Sequence[str], allowance: MessageAllowance) -> int:
        """Return in how many seconds an address may get another message of these kinds, or 0."""
        return self._mails.seconds_until_address_may(recipient, kinds, allowance)

    def forget_user(self, user_id: int) -> None:
        """Erase the account's messages. It is an `ErasePersonalData`."""
        self._mails.erase_account(user_id)

    def forget_address(self, recipient: str, until: datetime) -> None:
        """Erase the messages to an address that belong to no account. It is an `EraseAddress`."""
        self._mails.erase_address(recipient, until)
