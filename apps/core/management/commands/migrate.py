"""`migrate`, with the autodetector of `makemigrations`: the two must agree on what is still missing."""

from django.core.management.commands import migrate

from apps.core.conventions.migration_names import DatedAutodetector


class Command(migrate.Command):
    """Django's `migrate`, knowing how migrations are named here."""

    autodetector = DatedAutodetector
