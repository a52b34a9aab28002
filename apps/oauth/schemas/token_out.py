"""What a client is given for its key."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class TokenOut(ResponseSchema):
    """An access token for `expires_in` seconds, and what it may do (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    scope: str
