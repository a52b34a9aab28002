"""The base of commands that list what belongs to an account."""

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from apps.core.authorization.principal import OPERATOR
from apps.core.management.service_command import ListCommand, all_pages
from apps.users.dependencies import user_service
from apps.users.services.owned_service import OwnedService


class OwnedListCommand(ListCommand):
    """Lists the rows of one account, in order of id. `service` is the app's function that returns the service.

    class Command(OwnedListCommand):
        help = "List the projects of a user, one per line: id, name."
        examples = ("manage.py list_projects --user ann@example.com",)
        service = staticmethod(project_service)

        def columns(self, item: ProjectOut) -> Sequence[str]:
            return [str(item.id), item.name]
    """

    service: Callable[[], OwnedService[Any, Any]]

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the owner."""
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the owner's e-mail address")

    async def items(self, options: dict[str, Any]) -> Sequence[Any]:
        """Return the account's rows."""
        user_id = await user_service().id_of_email(options["user"])
        return await all_pages(partial(self.service().page, OPERATOR, user_id))
