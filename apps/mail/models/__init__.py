"""Mail on its way out."""

from apps.mail.models.claimed_mail import ClaimedMail
from apps.mail.models.outgoing_mail import OutgoingMail

__all__ = ["ClaimedMail", "OutgoingMail"]
