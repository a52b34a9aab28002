"""Changing a role."""

from pydantic import Field

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import omitted
from apps.users.schemas.fields import PermissionNames, RoleName, RoleScopes


class RoleUpdate(RequestSchema):
    """What to change; what is left out stays. `scopes` and `permissions` are all there will be."""

    name: RoleName = Field(default_factory=omitted)
    scopes: RoleScopes = Field(default_factory=omitted)
    permissions: PermissionNames = Field(default_factory=omitted)
