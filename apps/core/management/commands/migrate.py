"""`migrate` with the autodetector of `makemigrations`, so that both agree on missing migrations."""

from django.core.management.commands import migrate

from apps.core.conventions.migration_names import DatedMigrationAutodetector


class Command(migrate.Command):
    """Django's `migrate` with dated migration names."""

    autodetector = DatedMigrationAutodetector
