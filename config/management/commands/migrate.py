"""`manage.py migrate`: one process at a time, on a database that can be used."""

from typing import Any, override

from apps.core.database.connection_check import require_database
from apps.core.database.exclusive import exclusively
from apps.core.management.commands import migrate


class Command(migrate.Command):
    """Django's `migrate`, with dated names of migrations. Of several that start at once, one migrates, others wait."""

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises DatabaseUnusable."""
        require_database(to_migrate=True)
        with exclusively():
            super().handle(*args, **options)
