"""`manage.py rotate_api_key`."""

from argparse import ArgumentParser
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.management.key_argument import add_key_argument, key_id_of
from apps.api_keys.schemas.api_key import ApiKeyRotate
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Rotates the secret of an API key and prints the new one."""

    help = (
        "Rotate the secret of an API key. The new one is printed only once; the old one works until the grace period "
        "ends."
    )
    examples = ("manage.py rotate_api_key 7", "manage.py rotate_api_key 7 --grace-seconds 3600")

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the key and the grace period."""
        add_key_argument(parser)
        parser.add_argument(
            "--grace-seconds", type=int, default=0, help="how long the old secret still works; 0 by default"
        )

    def run(self, options: dict[str, Any]) -> None:
        """Rotate the key."""
        grace = ApiKeyRotate(grace_seconds=options["grace_seconds"]).grace_seconds
        self.show(call_service(api_key_service().rotate, OPERATOR, key_id_of(options), grace), options)
