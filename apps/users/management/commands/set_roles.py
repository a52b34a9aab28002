"""`manage.py set_roles`."""

from argparse import ArgumentParser
from typing import Any

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from apps.users.dependencies import account_update, user_service
from apps.users.schemas.user import UserUpdate


class Command(ServiceCommand):
    """Sets the roles of an account."""

    help = "Set the roles of an account. Roles that are not named are removed."
    examples = ("manage.py set_roles ann@example.com service", "manage.py set_roles ann@example.com")

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the account and its roles."""
        parser.add_argument("email", metavar="EMAIL", help="the account's e-mail address")
        parser.add_argument(
            "roles",
            metavar="ROLE",
            nargs="*",
            help="the name of a role, such as service; without any, all roles are removed",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Set the roles."""
        update = UserUpdate(roles=options["roles"])
        user_id = call_service(user_service().id_of_email, options["email"])
        self.show(call_service(account_update().update, OPERATOR, user_id, update), options)
