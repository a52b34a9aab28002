"""Hands a letter to the mail server, through Django's mail framework."""

from contextlib import suppress
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, mailers

from apps.mail.models import ClaimedMail
from apps.mail.services.message_context import unseal
from apps.mail.services.rendering import render

PERMANENT_REPLY = 500  # RFC 5321, 4.2.1: trying again is of no use


class UnreadableLetter(ValueError):
    """The letter was sealed under another SECRET_KEY."""


def send(mail: ClaimedMail) -> None:
    """Render the letter and send it; blocks. Raises what Django's mailer and smtplib raise, whose texts hold addresses.

    However often it is sent, its Message-ID is the same, so that mail programs show it once.
    """
    context = unseal(mail.context_encrypted) if mail.context_encrypted is not None else None
    if context is None:
        raise UnreadableLetter
    letter = render(mail.kind, context)
    headers = {"Message-ID": message_id(mail), "Auto-Submitted": "auto-generated"}  # RFC 3834: no answers to machines
    message = EmailMultiAlternatives(letter.subject, letter.text, to=[mail.recipient], headers=headers)
    message.attach_alternative(letter.html, "text/html")
    _hand_over(message)


def message_id(mail: ClaimedMail) -> str:
    """Return the letter's own Message-ID (RFC 5322), made of what never changes."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    return f"<{mail.created_at:%Y%m%d%H%M%S%f}.{mail.id}@{domain}>"


def is_final(error: Exception) -> bool:
    """Return whether trying again is of no use: the letter cannot be read or addressed, or its recipient is refused."""
    match error:
        case SMTPRecipientsRefused():
            return all(code >= PERMANENT_REPLY for code, _ in error.recipients.values())
        case SMTPDataError():
            return error.smtp_code >= PERMANENT_REPLY
        case OSError():  # among them SSLCertVerificationError, which is a ValueError too
            return False
        case _:
            return isinstance(error, ValueError)


def _hand_over(message: EmailMessage) -> None:
    mailer = mailers.default
    try:
        mailer.open()
        mailer.send_messages([message])
    finally:
        # What the server has taken stays taken, however the conversation ends.
        with suppress(OSError):
            mailer.close()
