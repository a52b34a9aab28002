"""`manage.py list_api_keys`."""

from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.core.authorization.principal import OPERATOR
from apps.core.management.service_command import ListCommand, all_pages
from apps.users.dependencies import user_service


class Command(ListCommand):
    """Lists the API keys of a user."""

    help = "List the API keys of a user, one per line: id, prefix, environment, state, name, scopes."
    examples = ("manage.py list_api_keys --user ann@example.com",)

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the owner."""
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the owner's e-mail address")

    async def items(self, options: dict[str, Any]) -> Sequence[ApiKeyOut]:
        """Return the user's keys in order of id."""
        user_id = await user_service().id_of_email(options["user"])
        return await all_pages(partial(api_key_service().page, OPERATOR, user_id))

    def columns(self, item: ApiKeyOut) -> Sequence[str]:
        """Return the columns of a key's line."""
        state = "revoked" if item.revoked_at else "active" if item.is_active else "disabled"
        return [str(item.id), item.prefix, item.environment, state, item.name, " ".join(item.scopes)]
