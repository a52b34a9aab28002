"""The personal data in messages."""

from datetime import datetime

from apps.core.declarations import PersonalData
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository


class MailPersonalData(PersonalData):
    """Erases recipients and contents of messages. Messages that are still enqueued are not sent."""

    def __init__(self, mails: OutgoingMailRepository) -> None:
        self._mails = mails

    async def erase(self, user_id: int) -> None:
        """Erase the account's messages."""
        await self._mails.erase_account(user_id)

    async def erase_address(self, email: str, until: datetime) -> None:
        """Erase the messages to the address that belong to no account, such as those of sign-ups and invitations."""
        await self._mails.erase_address(email, until)
