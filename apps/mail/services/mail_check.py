"""Finds out whether mail is delivered, by sending some."""

import asyncio
from secrets import token_hex

from apps.core.errors import Conflict, Unavailable
from apps.mail.domain.message import MailMessage
from apps.mail.models import OutgoingMail
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.schemas.outgoing_mail import MailCheckOut
from apps.mail.services.delivery import SEND_SECONDS_MAXIMUM, Delivery
from apps.mail.services.mail_service import MailService

LIFETIME_SECONDS = 600
LOOKS_APART_SECONDS = 0.2


class MailCheck:
    """Sends a letter that says only that it was sent."""

    def __init__(
        self, mails: OutgoingMailRepository, service: MailService, delivery: Delivery, *, has_mailer: bool
    ) -> None:
        self._mails = mails
        self._service = service
        self._delivery = delivery
        self._has_mailer = has_mailer

    async def post(self, recipient: str) -> MailCheckOut:
        """Post the letter and leave the sending to a served Keyhouse; raises ValidationFailed."""
        await self._post(recipient)
        return MailCheckOut(recipient=recipient, state="posted")

    async def send(self, recipient: str) -> MailCheckOut:
        """Post the letter and see it through.

        Raises ValidationFailed, Conflict when no mail server is named, Unavailable with the error's class when it
        was not sent.
        """
        if not self._has_mailer:
            raise Conflict("MAIL_URL is not set, so mail is not delivered; letters wait in their table.")
        mail = await self._see_through(await self._post(recipient))
        if mail is None or mail.sent_at is None:
            raise Unavailable(f"The letter was not sent: {mail.error if mail else 'nobody has tried'}")
        return MailCheckOut(recipient=recipient, state="sent")

    async def _post(self, recipient: str) -> str:
        key = f"test_mail:{token_hex(16)}"
        await self._service.post_alone(
            MailMessage("test_mail", recipient, key, None, {}, lifetime_seconds=LIFETIME_SECONDS)
        )
        return key

    async def _see_through(self, key: str) -> OutgoingMail | None:
        # A served Keyhouse may have claimed it first; then this waits for what comes of it.
        for _ in range(int(SEND_SECONDS_MAXIMUM / LOOKS_APART_SECONDS)):
            await self._delivery.deliver(key)
            mail = await self._mails.find_by_key(key)
            if mail is not None and (mail.sent_at is not None or mail.error):
                return mail
            await asyncio.sleep(LOOKS_APART_SECONDS)
        return await self._mails.find_by_key(key)
