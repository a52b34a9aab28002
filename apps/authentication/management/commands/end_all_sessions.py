"""`manage.py end_all_sessions`."""

from typing import Any

from apps.authentication.dependencies import account_sessions
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Ends every session of the API and of the admin."""

    help = "End every session of every account, of the API and of the admin, at once. Everyone must sign in again."
    examples = ("manage.py end_all_sessions",)

    def run(self, options: dict[str, Any]) -> None:
        """End them and show how many."""
        self.show(call_service(account_sessions().end_of_all_accounts, OPERATOR), options)
