"""`manage.py set_roles`."""

from argparse import ArgumentParser
from typing import Any

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.users.dependencies import account_update, user_service
from apps.users.schemas.user import UserUpdate


class Command(ServiceCommand):
    """Says which roles an account has."""

    help = "Give an account the roles named, and take all others away; none named takes all."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take the account and its roles."""
        parser.add_argument("email", metavar="EMAIL", help="the account's e-mail address")
        parser.add_argument("roles", metavar="ROLE", nargs="*", help="the name of a role, such as service")

    def run(self, options: dict[str, Any]) -> None:
        """Set the roles."""
        update = UserUpdate(roles=options["roles"])
        user_id = call_service(user_service().id_of_email, options["email"])
        self.show(call_service(account_update().update, OPERATOR, user_id, update), options)
