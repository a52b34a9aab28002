"""`manage.py list_api_keys`."""

from collections.abc import Sequence

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.schemas.api_key import ApiKeyOut
from apps.users.management.owned_list_command import OwnedListCommand


class Command(OwnedListCommand):
    """Lists the API keys of a user."""

    help = "List the API keys of a user, one per line: id, prefix, environment, state, name, scopes."
    examples = ("manage.py list_api_keys --user ann@example.com",)
    service = staticmethod(api_key_service)

    def columns(self, item: ApiKeyOut) -> Sequence[str]:
        """Return the columns of a key's line."""
        return [str(item.id), item.prefix, item.environment, item.state, item.name, " ".join(item.scopes)]
