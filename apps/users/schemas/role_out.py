"""A role, as staff see it."""

from typing import TYPE_CHECKING, Any, Self, cast

from apps.core.schemas.base import ResponseSchema

if TYPE_CHECKING:
    from apps.users.models import Role


class RoleOut(ResponseSchema):
    """A role with the scopes that it gives, and its permissions in the admin."""

    id: int
    name: str
    scopes: list[str]
    permissions: list[str]

    @classmethod
    def of(cls, role: "Role") -> Self:
        """Return the role's public face; what RoleRepository annotates must be there."""
        return cls(
            id=role.pk,
            name=role.name,
            scopes=cast("Any", role).scope_names,
            permissions=cast("Any", role).permission_names,
        )
