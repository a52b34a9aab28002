"""`manage.py createsuperuser`: Django's command, for addresses that are unique among accounts that are not deleted."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError

from apps.core.errors import DomainError
from apps.core.management.service_command import DocumentedCommand


class Command(DocumentedCommand, createsuperuser.Command):
    """Rejects a taken address with one line, as Django does for a unique field; our constraint is not on the field."""

    examples = (
        "manage.py createsuperuser",
        "DJANGO_SUPERUSER_PASSWORD=… manage.py createsuperuser --noinput --email ann@example.com",
    )
    username_is_unique = True

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the account as Django does; the password is checked, whether typed or from the environment."""
        try:
            super().handle(*args, **options)
        except DomainError as error:
            raise CommandError(error.public_message) from error
