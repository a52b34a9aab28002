"""What signing in gives."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class TokenPair(ResponseSchema):
    """An access token for `expires_in` seconds, and the refresh token that gets the next pair."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int
