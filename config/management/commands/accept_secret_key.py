"""`manage.py accept_secret_key`."""

from typing import Any, ClassVar

from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from config.secret_keys import accept_secret_key


class Command(ServiceCommand):
    """Lets servers start with the present SECRET_KEY although the database was used with another, which is lost."""

    help = (
        "Let servers start with the present SECRET_KEY although the database was used with another one that is lost. "
        "Sessions end, unsent messages fail, and owners of authenticator apps need recovery codes or a reset. "
        "If you have the former key, put it into SECRET_KEY_FALLBACKS instead."
    )
    examples: ClassVar = ["manage.py accept_secret_key"]

    def run(self, options: dict[str, Any]) -> None:
        """Store the fingerprint of the present key."""
        call_service(accept_secret_key)
        self.stderr.write("Servers with this SECRET_KEY can start now.")
