"""`manage.py rotate_signing_key`."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from apps.authentication.dependencies import key_rotation
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Makes a new signing key and prints its id, while the old ones go on verifying for a while."""

    help = (
        "Make a new key that signs access tokens in six minutes, when everybody who keeps the key set has it. The old "
        "public keys stay published until the last token signed with them has expired."
    )

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Take whether the keys that are can be trusted."""
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="sign with the new key at once, and within five seconds believe nothing that the old ones have signed",
        )

    def run(self, options: dict[str, Any]) -> None:
        """Change the key."""
        rotate = partial(key_rotation().rotate, is_compromised=options["compromised"])
        self.show(call_service(rotate, OPERATOR), options)
