"""A refusal, as OAuth words it."""

from apps.core.schemas.base import ResponseSchema


class OAuthErrorOut(ResponseSchema):
    """A stable code and a sentence (RFC 6749, 5.2)."""

    error: str
    error_description: str
