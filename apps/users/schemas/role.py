"""Roles."""

from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import Field

from apps.core.schemas.base import RequestSchema, ResponseSchema
from apps.core.schemas.fields import omitted
from apps.users.schemas.user import PermissionNames, RoleName, RoleScopes

if TYPE_CHECKING:
    from apps.users.models import Role


class RoleCreate(RequestSchema):
    """A new role: the scopes that it gives, and its permissions in the admin, such as `api_keys.view_apikey`."""

    name: RoleName
    scopes: RoleScopes = Field(default_factory=list)
    permissions: PermissionNames = Field(default_factory=list)


class RoleUpdate(RequestSchema):
    """The fields to change; omitted fields stay as they are. `scopes` and `permissions` replace the current ones."""

    name: RoleName = Field(default_factory=omitted)
    scopes: RoleScopes = Field(default_factory=omitted)
    permissions: PermissionNames = Field(default_factory=omitted)


class RoleOut(ResponseSchema):
    """A role with the scopes that it gives, and its permissions in the admin."""

    id: int
    name: str
    scopes: list[str]
    permissions: list[str]

    @classmethod
    def of(cls, role: "Role") -> Self:
        """Return the role's public representation; `scope_names` and `permission_names` must be annotated."""
        return cls(
            id=role.pk,
            name=role.name,
            scopes=cast("Any", role).scope_names,
            permissions=cast("Any", role).permission_names,
        )
