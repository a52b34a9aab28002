"""`manage.py send_test_mail`."""

from argparse import ArgumentParser
from typing import Any

from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from apps.mail.dependencies import mail_check


class Command(ServiceCommand):
    """Sends a test message."""

    help = "Send a test message to ADDRESS by MAIL_URL, and report whether the mail server has accepted it."
    examples = ("manage.py send_test_mail ann@example.com",)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the address, and whether to leave the sending to a server."""
        parser.add_argument("address", metavar="ADDRESS", help="the recipient's e-mail address")
        parser.add_argument(
            "--enqueue-only",
            "--post-only",
            action="store_true",
            dest="enqueue_only",
            help="enqueue the message for a running Keyhouse to send (--post-only is the former name)",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Send the message."""
        act = mail_check().enqueue if options["enqueue_only"] else mail_check().send
        self.show(call_service(act, options["address"]), options)
