"""Roles, and queries of roles with their scopes and permissions."""

from typing import Any, ClassVar

from django.contrib.auth.models import Group, Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Manager, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from apps.core.authorization.permissions import registered_permissions
from apps.users.models.role_scope import RoleScope


class RoleManager(Manager["Role"]):
    """Roles with their `scope_names` and `permission_names`, such as `api_keys.view_apikey`, both in order."""

    def with_scopes_and_permissions(self) -> QuerySet["Role"]:
        """Return the roles, annotated with `scope_names` and `permission_names`."""
        scopes = RoleScope.objects.filter(role=OuterRef("pk")).order_by("scope").values("scope")
        carried = _named(Permission.objects.filter(group=OuterRef("pk"))).order_by("full_name").values("full_name")
        return self.annotate(scope_names=ArraySubquery(scopes), permission_names=ArraySubquery(carried))

    def grantable_permissions(self) -> QuerySet[Any]:
        """Return the permissions that roles can have, those that the admin checks, with their `full_name`."""
        permissions = _named(Permission.objects.all()).filter(full_name__in=registered_permissions())
        return permissions.order_by("content_type__app_label", "content_type__model", "codename")


def _named(permissions: QuerySet[Permission]) -> QuerySet[Any]:
    # The dot is cast, because PostgreSQL cannot infer the type of a parameter that is only concatenated with others.
    parts = F("content_type__app_label"), Cast(Value("."), TextField()), F("codename")
    return permissions.annotate(full_name=Concat(*parts, output_field=TextField()))


class Role(Group):
    """A Django group: its permissions apply to the admin, its RoleScopes to the API."""

    objects: ClassVar[RoleManager] = RoleManager()  # type: ignore[assignment]  # it finds roles, not groups

    class Meta:
        proxy = True
