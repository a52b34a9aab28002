"""Builds this app's services."""

from functools import cache

from django.conf import settings

from apps.audit.dependencies import audit_trail
from apps.mail.repositories.outgoing_mail_repository import OutgoingMailRepository
from apps.mail.services.delivery import Delivery, send
from apps.mail.services.in_transaction.message_queue import MessageQueue
from apps.mail.services.message_service import MailCheck, MessageService
from apps.mail.services.personal_data import MailPersonalData


@cache
def message_queue() -> MessageQueue:
    """Return the service that enqueues messages in the caller's transaction."""
    return MessageQueue(OutgoingMailRepository())


@cache
def message_service() -> MessageService:
    """Return the message service."""
    return MessageService(OutgoingMailRepository(), audit_trail())


@cache
def mail_delivery() -> Delivery:
    """Return the service that sends messages."""
    return Delivery(OutgoingMailRepository(), send)


def mail_check() -> MailCheck:
    """Return the service that checks whether mail is delivered."""
    return MailCheck(OutgoingMailRepository(), message_queue(), mail_delivery(), has_mailer=bool(settings.MAILERS))


@cache
def mail_personal_data() -> MailPersonalData:
    """Return the service that erases messages."""
    return MailPersonalData(OutgoingMailRepository())
