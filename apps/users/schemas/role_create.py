"""Making a role."""

from pydantic import Field

from apps.core.schemas.base import RequestSchema
from apps.users.schemas.fields import PermissionNames, RoleName, RoleScopes


class RoleCreate(RequestSchema):
    """A new role: the scopes that it gives, and its permissions in the admin, as `api_keys.view_apikey`."""

    name: RoleName
    scopes: RoleScopes = Field(default_factory=list)
    permissions: PermissionNames = Field(default_factory=list)
