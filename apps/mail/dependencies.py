"""Builds this room's services."""

from functools import cache

from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.mail_service import MailService


@cache
def mail_service() -> MailService:
    """Return the service that takes letters in."""
    return MailService(OutgoingMailRepository())
