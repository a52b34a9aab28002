"""`manage.py rotate_api_key`."""

from argparse import ArgumentParser
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.management.key_argument import add_key_argument, key_id_of
from apps.api_keys.schemas.api_key import ApiKeyRotate
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Gives a key a new secret and prints it, this once."""

    help = "Give an API key a new secret, printed this once; the old one works until the grace ends."

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take the key and the grace."""
        add_key_argument(parser)
        parser.add_argument("--grace-seconds", type=int, default=0, help="how long the old secret goes on working")

    def run(self, options: dict[str, Any]) -> None:
        """Rotate the key."""
        grace = ApiKeyRotate(grace_seconds=options["grace_seconds"]).grace_seconds
        self.show(call_service(api_key_service().rotate, OPERATOR, key_id_of(options), grace), options)
