"""Hands messages to the mail server, through Django's mail framework."""

from contextlib import suppress
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, mailers

from apps.mail.domain.message import ClaimedMessage
from apps.mail.services.rendering import render, unseal

PERMANENT_REPLY = 500  # RFC 5321, section 4.2.1: a permanent failure


class UnreadableMessage(ValueError):
    """The message was encrypted under another SECRET_KEY."""


def send(mail: ClaimedMessage) -> None:
    """Render the message and send it; blocks. Raises errors of Django's mailer and smtplib, whose texts hold addresses.

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
        # A message that the server has accepted is sent, however the connection ends.
        with suppress(OSError):
            mailer.close()
