"""`manage.py reset_second_factors`."""

from argparse import ArgumentParser
from typing import Any

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.second_factors.dependencies import second_factors
from apps.second_factors.schemas.second_factor import SecondFactorsReset
from apps.users.dependencies import user_service


class Command(ServiceCommand):
    """Helps somebody back in who has lost their second factors."""

    help = "Remove every second factor of an account by its e-mail address, and end its sessions; its owner is told."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take the account's address."""
        parser.add_argument("email", help="the account's e-mail address")

    def run(self, options: dict[str, Any]) -> None:
        """Remove them, and show what it was."""
        user_id = call_service(user_service().id_of_email, options["email"])
        removed = call_service(second_factors().kinds_of, user_id)
        call_service(second_factors().reset, OPERATOR, user_id)
        self.show(SecondFactorsReset(user_id=user_id, removed=list(removed)), options)
