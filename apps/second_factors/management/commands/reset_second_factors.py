"""`manage.py reset_second_factors`."""

from argparse import ArgumentParser
from typing import Any

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from apps.second_factors.dependencies import factor_recovery
from apps.users.dependencies import user_service


class Command(ServiceCommand):
    """Removes all second factors of an account, so that its owner can sign in by the password alone."""

    help = "Remove every second factor of an account and end its sessions; the owner is notified by mail."
    examples = ("manage.py reset_second_factors ann@example.com",)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the account's e-mail address."""
        parser.add_argument("email", metavar="EMAIL", help="the account's e-mail address")

    def run(self, options: dict[str, Any]) -> None:
        """Remove the factors, and show which they were."""
        user_id = call_service(user_service().id_of_email, options["email"])
        self.show(call_service(factor_recovery().reset, OPERATOR, user_id), options)
