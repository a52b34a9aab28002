"""A role."""

from typing import ClassVar

from django.contrib.auth.models import Group
from django.db import models


class Role(Group):
    """A group of Django's: the permissions it carries are for the admin, its RoleScopes for the API."""

    objects: ClassVar[models.Manager["Role"]] = models.Manager()  # type: ignore[assignment]  # finds roles

    class Meta:
        proxy = True
