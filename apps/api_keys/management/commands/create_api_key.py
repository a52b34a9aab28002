"""`manage.py create_api_key`."""

import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import ApiKeyCreate
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from apps.users.dependencies import user_service

RATE_LIMIT = re.compile(r"([^:]*):([0-9]{1,18}):([0-9]{1,18})")


class Command(ServiceCommand):
    """Creates an API key for a user and prints it with its secret."""

    help = "Create an API key for a user. Its secret is printed only once."
    examples = (
        "manage.py create_api_key --user ann@example.com --name reports --scope reports:read",
        "manage.py create_api_key --user ann@example.com --rate-limit minute:60:60 --budget 100",
    )

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the properties of a key."""
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the owner's e-mail address")
        parser.add_argument(
            "--scope", action="append", default=[], dest="scopes", help="such as reports:read; repeatable"
        )
        parser.add_argument("--name", default="made on the command line", help="shown to the owner")
        parser.add_argument("--description", default="", help="shown to the owner")
        parser.add_argument("--environment", choices=("live", "test"), default="live", help="live by default")
        parser.add_argument("--expires-at", metavar="RFC3339", help="such as 2030-01-01T00:00:00Z")
        parser.add_argument(
            "--ip", action="append", default=[], dest="ip_allowlist", help="an allowed address or network; repeatable"
        )
        parser.add_argument("--metadata", type=_json_object, default={}, help="a JSON object that verification returns")
        parser.add_argument(
            "--rate-limit",
            action="append",
            type=_rate_limit,
            default=[],
            dest="rate_limits",
            metavar="NAME:LIMIT:PERIOD_SECONDS",
            help="such as minute:60:60; replaces the plan's rate limit of the same name; repeatable",
        )
        parser.add_argument("--budget", metavar="CREDITS", help="the number of credits that the key can spend in total")

    def run(self, options: dict[str, Any]) -> None:
        """Create the key."""
        new = ApiKeyCreate(**{name: options[name] for name in ApiKeyCreate.model_fields if name in options})
        user_id = call_service(user_service().id_of_email, options["user"])
        self.show(call_service(api_key_service().create, OPERATOR, user_id, new), options)


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError("must be JSON") from error
    if not isinstance(value, dict):
        raise ArgumentTypeError("must be a JSON object")
    return value


def _rate_limit(text: str) -> dict[str, Any]:
    found = RATE_LIMIT.fullmatch(text)
    if found is None:
        raise ArgumentTypeError("must be NAME:LIMIT:PERIOD_SECONDS, such as minute:60:60")
    return {"name": found[1], "limit": int(found[2]), "period_seconds": int(found[3])}
