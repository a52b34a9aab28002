"""Identities at other providers."""

from typing import TYPE_CHECKING, Self

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.identities.models import Identity


class IdentityOut(ResponseSchema):
    """An identity at another provider. `email` is the address that the provider returned at the last sign-in."""

    id: int
    provider: str
    issuer: str
    subject: str
    email: str
    created_at: Timestamp
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, identity: "Identity") -> Self:
        """Return the public representation of the identity."""
        return cls.model_validate(identity, from_attributes=True)
