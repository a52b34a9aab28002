"""Builds this room's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.delivery import Delivery
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.mail.services.mail_check import MailCheck
from apps.mail.services.mail_service import MailService
from apps.mail.services.sending import send


@cache
def mail_service() -> MailService:
    """Return the service that takes letters in."""
    return MailService(outgoing_mail_repository())


@cache
def message_queue() -> MessageQueue:
    """Return what enqueues messages in the caller's transaction."""
    return MessageQueue(outgoing_mail_repository())


@cache
def mail_delivery() -> Delivery:
    """Return the service that sends letters."""
    return Delivery(outgoing_mail_repository(), send)


def mail_check() -> MailCheck:
    """Return the service that finds out whether mail is delivered."""
    has_mailer = bool(settings.MAILERS)
    return MailCheck(outgoing_mail_repository(), mail_service(), mail_delivery(), has_mailer=has_mailer)


@cache
def outgoing_mail_repository() -> OutgoingMailRepository:
    """Return the repository of letters, which writes audit events in its transactions."""
    return OutgoingMailRepository(audit_service().record)
