"""Identities at other providers."""

from apps.core.schemas.base import EntityOut
from apps.core.schemas.fields import Timestamp


class IdentityOut(EntityOut):
    """An identity at another provider. `email` is the address that the provider returned at the last sign-in.

    `linked_by_owner` is false for an identity that a verified address has linked at a sign-in.
    """

    id: int
    provider: str
    issuer: str
    subject: str
    email: str
    created_at: Timestamp
    last_used_at: Timestamp | None
    linked_by_owner: bool
