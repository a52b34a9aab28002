"""`manage.py reencrypt_secrets`."""

from typing import Any, ClassVar

from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand
from config.secret_keys import reencrypt


class Command(ServiceCommand):
    """Encrypts stored secrets with the present SECRET_KEY. Safe to run at any time, and concurrently."""

    help = (
        "Encrypt with the present SECRET_KEY what was encrypted with a key of SECRET_KEY_FALLBACKS: signing keys, "
        "authenticator apps, unsent messages. Afterwards the former key is only needed by sessions that have not been "
        "refreshed since."
    )
    examples: ClassVar = ["manage.py reencrypt_secrets", "manage.py reencrypt_secrets --json"]

    def run(self, options: dict[str, Any]) -> None:
        """Encrypt, and show how many secrets were encrypted again, and how many no key can read."""
        self.show(call_service(reencrypt), options)
