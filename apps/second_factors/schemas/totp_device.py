"""Enrolling an authenticator app."""

from pydantic import Field

from apps.core.schemas.base import ResponseSchema


class TotpSecret(ResponseSchema):
    """The secret, shown this once: in base32 to be typed, as an otpauth URI, and as its QR code (an SVG data URI)."""

    secret: str = Field(repr=False)
    otpauth_uri: str = Field(repr=False)
    qr_code: str = Field(repr=False)
