"""`manage.py rotate_signing_key`."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from apps.authentication.dependencies import key_rotation
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Creates a signing key and prints its id; the old keys still verify until their tokens have expired."""

    help = (
        "Create a new key that signs access tokens in six minutes, when every cached copy of the key set contains it. "
        "The old public keys stay published until the last token that they signed has expired."
    )
    examples = ("manage.py rotate_signing_key", "manage.py rotate_signing_key --compromised")

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add `--compromised`."""
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="sign with the new key at once, and within five seconds refuse all tokens that the old keys signed",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Rotate the key and show the new one."""
        rotate = partial(key_rotation().rotate, is_compromised=options["compromised"])
        self.show(call_service(rotate, OPERATOR), options)
