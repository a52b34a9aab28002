"""`manage.py createsuperuser`: Django's own, told that addresses are unique."""

from django.contrib.auth.management.commands import createsuperuser


class Command(createsuperuser.Command):
    """Refuses an address that is taken in one line, as Django does where a field is unique.

    Ours is unique among accounts that are not deleted, which Django cannot see from the field.
    """

    username_is_unique = True
