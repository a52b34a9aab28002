"""Outgoing mail."""

from apps.mail.models.outgoing_mail import OutgoingMail

__all__ = ["OutgoingMail"]
