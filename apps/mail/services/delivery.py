"""Sends the messages that are due, through Django's mail framework."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, mailers

from apps.core.database.database_errors import DATABASE_UNAVAILABLE
from apps.core.event_loop import run_in_daemon_thread
from apps.mail.domain.message import ClaimedMessage
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.rendering import render, unseal

PERMANENT_REPLY = 500  # RFC 5321, section 4.2.1: a permanent failure


logger = logging.getLogger("keyhouse.mail")
CONCURRENT_MAXIMUM = 4
SEND_SECONDS_MAXIMUM = 120
# Longer than sending can take, so that no other worker sends meanwhile. The claims of a killed worker expire after it.
LEASE_SECONDS = 180
FIRST_WAIT_SECONDS = 10
WAIT_SECONDS_MAXIMUM = 600
DATABASE_PAUSE_SECONDS = 1
# Sends a message; blocks.
Send = Callable[[ClaimedMessage], None]


class UnreadableMessage(ValueError):
    """The message was encrypted under another SECRET_KEY."""


def send(mail: ClaimedMessage) -> None:
    """Render the message and send it; blocks. Raises errors of Django's mailer and smtplib, which may repeat addresses.

    The Message-ID is the same at each attempt, so mail programs show the message once.
    """
    context = unseal(mail.context_encrypted) if mail.context_encrypted is not None else None
    if context is None:
        raise UnreadableMessage
    rendered = render(mail.kind, context)
    headers = {
        "Message-ID": message_id(mail),
        "Auto-Submitted": "auto-generated",
    }  # RFC 3834: prevents automatic replies
    message = EmailMultiAlternatives(rendered.subject, rendered.text, to=[mail.recipient], headers=headers)
    message.attach_alternative(rendered.html, "text/html")
    _hand_over(message)


def message_id(mail: ClaimedMessage) -> str:
    """Return the Message-ID (RFC 5322, section 3.6.4), the same at each attempt."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    return f"<{mail.created_at:%Y%m%d%H%M%S%f}.{mail.id}@{domain}>"


def is_final(error: Exception) -> bool:
    """Return whether another attempt would fail too: the message is unreadable, or its recipient is refused."""
    match error:
        case SMTPRecipientsRefused():
            return all(code >= PERMANENT_REPLY for code, _ in error.recipients.values())
        case SMTPDataError():
            return error.smtp_code >= PERMANENT_REPLY
        case OSError():  # SSLCertVerificationError too, although it is a ValueError
            return False
        case _:
            return isinstance(error, ValueError)


def _hand_over(message: EmailMessage) -> None:
    mailer = mailers.default
    try:
        mailer.open()
        mailer.send_messages([message])
    finally:
        # A message that the server has accepted is sent, even if closing the connection fails.
        with suppress(OSError):
            mailer.close()


class Delivery:
    """Claims messages, sends each on a thread, and stores the outcome.

    A message is sent at least once. It is sent twice only when a worker dies, or loses the database for minutes, after
    the mail server's reply and before storing it. A failed message is retried until it expires.
    """

    def __init__(self, mails: OutgoingMailRepository, send: Send) -> None:
        self._mails = mails
        self._send = send

    async def run(self) -> bool:
        """Send up to CONCURRENT_MAXIMUM messages that are due, and return whether there were any."""
        claimed = await self._mails.claim(CONCURRENT_MAXIMUM, LEASE_SECONDS)
        await asyncio.gather(*(self._deliver(mail) for mail in claimed))
        return bool(claimed)

    async def deliver(self, key: str) -> None:
        """Send the message with this key now, unless another worker has claimed it."""
        for mail in await self._mails.claim(1, LEASE_SECONDS, key):
            await self._deliver(mail)

    async def _deliver(self, mail: ClaimedMessage) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS_MAXIMUM):
                await run_in_daemon_thread(partial(self._send, mail), name=f"message {mail.id}")
        except Exception as error:  # noqa: BLE001  stored and logged
            _log(mail, error)
            await _store(partial(self._record_failure, mail, error))
        else:
            await _store(partial(self._mails.mark_sent, mail.id))

    async def _record_failure(self, mail: ClaimedMessage, error: Exception) -> None:
        name, wait_seconds = type(error).__name__, wait_seconds_after(mail.attempts)
        await self._mails.record_failure(mail, name, wait_seconds=wait_seconds, is_final=is_final(error))


def wait_seconds_after(attempts: int) -> int:
    """Return the seconds to wait after this number of attempts: doubled each time, up to ten minutes."""
    return int(min(FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 10), WAIT_SECONDS_MAXIMUM))


async def _store(write: Callable[[], Awaitable[None]]) -> None:
    # Without a stored outcome, the message would be sent again.
    while True:
        try:
            await write()
        except DATABASE_UNAVAILABLE:
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)
        else:
            return


def _log(mail: ClaimedMessage, error: Exception) -> None:
    # The error's text may contain addresses: only its class and its traceback are logged.
    traceback = None if isinstance(error, OSError) else (RuntimeError, RuntimeError("withheld"), error.__traceback__)
    name = type(error).__name__
    logger.warning("message %s (%s), attempt %s: %s", mail.id, mail.kind, mail.attempts, name, exc_info=traceback)
