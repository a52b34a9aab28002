"""`manage.py revoke_api_key`."""

from argparse import ArgumentParser
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.management.key_argument import add_key_argument, key_id_of
from apps.api_keys.schemas.api_key import ApiKeyRevoke
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Revokes an API key permanently."""

    help = "Revoke an API key permanently, and the keys that it has created. Verifications then return DISABLED."
    examples = (
        "manage.py revoke_api_key 7 --reason leaked",
        "manage.py revoke_api_key sk_live_AbCd --reason leaked",
        "manage.py revoke_api_key - --reason leaked",
    )

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the key and the reason."""
        add_key_argument(parser)
        parser.add_argument("--reason", default="", help="kept in the audit trail")
        parser.add_argument("--message", default="", help="shown to the key's owner")
        parser.add_argument(
            "--keep-created-keys", action="store_true", help="keep the keys that it has created, which else are revoked"
        )

    def run(self, options: dict[str, Any]) -> None:
        """Revoke the key."""
        revocation = ApiKeyRevoke(**{name: options[name] for name in ApiKeyRevoke.model_fields})
        self.show(call_service(api_key_service().revoke, OPERATOR, key_id_of(options), revocation), options)
