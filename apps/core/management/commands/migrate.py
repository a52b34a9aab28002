"""`migrate`, with the autodetector of `makemigrations`: both must agree on which migrations are missing."""

from typing import ClassVar

from django.core.management.commands import migrate

from apps.core.conventions.migration_names import DatedMigrationAutodetector
from apps.core.management.service_command import DocumentedCommand


class Command(DocumentedCommand, migrate.Command):
    """Django's `migrate`, with dated names of migrations."""

    autodetector = DatedMigrationAutodetector
    examples: ClassVar = ["manage.py migrate", "manage.py migrate credits 20261122_1612_create_credits"]
