"""Roles."""

from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import Field

from apps.core.schemas.base import ReasonedRequest, VersionedOut
from apps.core.schemas.fields import omitted
from apps.users.schemas.user import RoleName, RoleScopes

if TYPE_CHECKING:
    from apps.users.models import Role


class RoleCreate(ReasonedRequest):
    """A new role, and the scopes that it gives."""

    name: RoleName
    scopes: RoleScopes = Field(default_factory=list)


class RoleUpdate(ReasonedRequest):
    """The fields to change; omitted fields stay as they are. `scopes` replaces the current ones."""

    name: RoleName = Field(default_factory=omitted)
    scopes: RoleScopes = Field(default_factory=omitted)


class RoleOut(VersionedOut):
    """A role with the scopes that it gives."""

    id: int
    name: str
    scopes: list[str]

    @classmethod
    def of(cls, role: "Role") -> Self:
        """Return the role's public representation; `scope_names` must be annotated."""
        return cls(id=role.pk, name=role.name, scopes=cast("Any", role).scope_names)
