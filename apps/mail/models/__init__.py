"""Mail on its way out."""

from apps.mail.models.outgoing_mail import OutgoingMail

__all__ = ["OutgoingMail"]
