"""A scope of the catalogue, as clients see it."""

from typing import Self

from apps.core.authorization.catalogue import DeclaredScope, HeldBy
from apps.core.schemas.base import ResponseSchema


class ScopeOut(ResponseSchema):
    """A scope that means something to Keyhouse. It is held by everyone (over what is their own), by those to whom one
    of their roles gives it, or by staff alone; staff hold all."""

    name: str
    description: str
    held_by: HeldBy

    @classmethod
    def of(cls, scope: DeclaredScope) -> Self:
        """Return the scope's public face."""
        return cls(name=scope.name, description=scope.description, held_by=scope.held_by)
