"""A scope of the catalogue, in responses."""

from typing import Self

from apps.core.authorization.catalogue import DeclaredScope, HeldBy
from apps.core.schemas.base import ResponseSchema


class ScopeOut(ResponseSchema):
    """A scope that Keyhouse itself checks.

    `held_by` is `everyone` (every account, for its own data), `roles` (accounts with a role that includes it) or
    `staff` (members of staff with a role that includes it). Superusers hold all scopes.
    """

    name: str
    description: str
    held_by: HeldBy

    @classmethod
    def of(cls, scope: DeclaredScope) -> Self:
        """Return the public representation of the scope."""
        return cls(name=scope.name, description=scope.description, held_by=scope.held_by)
