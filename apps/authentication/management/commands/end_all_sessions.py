"""`manage.py end_all_sessions`."""

from typing import Any

from apps.authentication.dependencies import everybodys_sessions
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Signs everybody out, at both doors."""

    help = "End every session of every account, of the API and of the admin, at once; everybody has to sign in again."

    def run(self, options: dict[str, Any]) -> None:
        """End them, and show how many."""
        self.show(call_service(everybodys_sessions().end, OPERATOR), options)
