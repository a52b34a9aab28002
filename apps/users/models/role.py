"""A role."""

from typing import ClassVar

from django.contrib.auth.models import Group

from apps.users.models.role_manager import RoleManager


class Role(Group):
    """A group of Django's: its permissions are for the admin, its RoleScopes for the API."""

    objects: ClassVar[RoleManager] = RoleManager()  # type: ignore[assignment]  # it finds roles, not groups

    class Meta:
        proxy = True
