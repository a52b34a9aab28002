"""`manage.py clean_up`."""

from typing import Any

from django.core.management import call_command

from apps.authentication.dependencies import clean_up
from apps.core.database.sync_calls import call_service
from apps.core.management.service_command import ServiceCommand


class Command(ServiceCommand):
    """Removes what is over. Safe at any time, and any number at once."""

    help = "Remove forgiven login attempts, sessions that were over 30 days ago, and expired sessions of the admin."

    def run(self, options: dict[str, Any]) -> None:
        """Remove it, and show how much it was."""
        removed = call_service(clean_up().run)
        call_command("clearsessions")
        self.show(removed, options)
