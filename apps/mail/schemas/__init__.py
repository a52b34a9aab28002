"""What goes out about mail."""

from apps.mail.schemas.mail_check_out import MailCheckOut

__all__ = ["MailCheckOut"]
