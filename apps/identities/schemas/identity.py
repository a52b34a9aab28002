"""Identities at other providers."""

from apps.core.schemas.base import EntityOut
from apps.core.schemas.fields import Timestamp


class IdentityOut(EntityOut):
    """An identity at another provider. `email` is the address that the provider returned at the last sign-in."""

    id: int
    provider: str
    issuer: str
    subject: str
    email: str
    created_at: Timestamp
    last_used_at: Timestamp | None
