"""`manage.py send_test_mail`."""

from argparse import ArgumentParser
from typing import Any

from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.mail.dependencies import mail_check


class Command(ServiceCommand):
    """Sends a letter, to see whether mail is delivered."""

    help = "Send a letter to ADDRESS by way of MAIL_URL, and say whether the mail server has taken it."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take the address."""
        parser.add_argument("address", metavar="ADDRESS", help="who gets the letter")
        parser.add_argument("--post-only", action="store_true", help="leave the sending to a Keyhouse that serves")

    def run(self, options: dict[str, Any]) -> None:
        """Send it."""
        act = mail_check().post if options["post_only"] else mail_check().send
        self.show(call_service(act, options["address"]), options)
