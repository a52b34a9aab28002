"""Authenticator apps: the secret of a new one, and their representation in responses."""

from typing import TYPE_CHECKING, Self

from pydantic import Field

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.second_factors.models import TotpDevice


class TotpSecret(ResponseSchema):
    """The secret, shown only once: in base32 for typing, as an otpauth URI, and as a QR code (an SVG data URI)."""

    secret: str = Field(repr=False)
    otpauth_uri: str = Field(repr=False)
    qr_code: str = Field(repr=False)


class TotpOut(ResponseSchema):
    """A confirmed authenticator app."""

    confirmed_at: Timestamp
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, device: "TotpDevice") -> Self:
        """Return the public representation of the device."""
        return cls.model_validate(device, from_attributes=True)
