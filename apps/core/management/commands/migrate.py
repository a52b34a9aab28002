"""`migrate`: one process at a time, and with the autodetector of `makemigrations`.

Both commands must agree on which migrations are missing.
"""

from typing import Any, ClassVar, override

from django.core.management.commands import migrate

from apps.core.conventions.migration_names import DatedMigrationAutodetector
from apps.core.database.connection_check import require_database
from apps.core.database.exclusive import exclusively
from apps.core.management.service_command import DocumentedCommand


class Command(DocumentedCommand, migrate.Command):
    """Django's `migrate`, with dated names of migrations. Of several that start at once, one migrates, others wait."""

    autodetector = DatedMigrationAutodetector
    examples: ClassVar = ["manage.py migrate", "manage.py migrate credits 20261122_1612_create_credits"]

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises DatabaseUnusable."""
        require_database(to_migrate=True)
        with exclusively():
            super().handle(*args, **options)
