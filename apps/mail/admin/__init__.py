"""The admin pages of messages."""

from apps.mail.admin.outgoing_mail_admin import OutgoingMailAdmin

__all__ = ["OutgoingMailAdmin"]
