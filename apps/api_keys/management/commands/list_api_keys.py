"""`manage.py list_api_keys`."""

from argparse import ArgumentParser
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand
from apps.core.schemas.page import PAGE_SIZE_MAXIMUM, PageQuery
from apps.users.dependencies import user_service


class Command(ServiceCommand):
    """Lists a user's keys."""

    help = "List a user's API keys: one line each, or one JSON object a line with --json."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take whose keys."""
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the owner's e-mail address")

    def run(self, options: dict[str, Any]) -> None:
        """List the keys."""
        for key in call_service(_all_keys, options["user"]):
            self.stdout.write(key.model_dump_json() if options["json"] else _line(key))


async def _all_keys(email: str) -> list[ApiKeyOut]:
    user_id = await user_service().id_of_email(email)
    keys: list[ApiKeyOut] = []
    number = pages = 1
    while number <= pages:
        page = await api_key_service().page(OPERATOR, user_id, PageQuery(page=number, size=PAGE_SIZE_MAXIMUM))
        keys += page.items
        number, pages = number + 1, page.pages
    return keys


def _line(key: ApiKeyOut) -> str:
    state = "revoked" if key.revoked_at else "active" if key.is_active else "disabled"
    return f"{key.id}\t{key.prefix}\t{key.environment}\t{state}\t{key.name}\t{' '.join(key.scopes)}"
