"""`manage.py createsuperuser`: Django's own, told that addresses are unique."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError

from apps.core.errors import DomainError


class Command(createsuperuser.Command):
    """Refuses an address that is taken in one line, as Django does where a field is unique.

    Ours is unique among accounts that are not deleted, which Django cannot see from the field.
    """

    username_is_unique = True

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account, as Django does; the password is judged, typed or from the environment."""
        try:
            super().handle(*args, **options)
        except DomainError as error:
            raise CommandError(error.public_message) from error
