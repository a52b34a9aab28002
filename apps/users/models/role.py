"""A role, and reading it with the scopes that it gives."""

from typing import ClassVar

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Manager, OuterRef, QuerySet

from apps.users.models.role_scope import RoleScope


class RoleManager(Manager["Role"]):
    """Roles with their `scope_names`, in order."""

    def with_scopes(self) -> QuerySet["Role"]:
        """Return the roles with their scopes annotated."""
        scopes = RoleScope.objects.filter(role=OuterRef("pk")).order_by("scope").values("scope")
        return self.annotate(scope_names=ArraySubquery(scopes))


class Role(Group):
    """A group of Django's, which gives scopes (RoleScope). Django's own permissions of groups have no effect."""

    objects: ClassVar[RoleManager] = RoleManager()  # type: ignore[assignment]  # it finds roles, not groups

    class Meta:
        proxy = True
