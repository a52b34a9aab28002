"""Mail in development: messages are printed on the console."""

from typing import override

from django.core.mail import EmailMessage
from django.core.mail.backends import console

RULE = "-" * 79


class EmailBackend(console.EmailBackend):
    """Prints the text of each message, not its transfer encoding, which breaks lines and links."""

    @override
    def write_message(self, message: EmailMessage) -> None:
        """Print one message."""
        to = ", ".join(message.recipients())
        self.stream.write(f"{RULE}\nMail to {to}\nSubject: {message.subject}\n\n{message.body.strip()}\n{RULE}\n")
