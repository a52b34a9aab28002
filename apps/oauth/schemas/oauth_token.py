"""OAuth 2.0 token responses and errors."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema

CLIENT_CREDENTIALS = "client_credentials"  # the one grant type (RFC 6749, 4.4)


class TokenOut(ResponseSchema):
    """An access token with its scopes; it expires in `expires_in` seconds (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    scope: str


class IntrospectionOut(ResponseSchema):
    """Whether the token is active; an inactive token has no other field (RFC 7662, 2.2).

    `scope` is what the token allows now; for a session's access token, the scopes that Keyhouse itself checks.
    `client_id` is the API key's id, or `session` for the tokens of sessions. `sub` is the account's id. Times are
    seconds since 1970.
    """

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: Literal["Bearer", "refresh_token"] | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    jti: str | None = None
    amr: list[str] | None = None
    auth_time: int | None = None


class OAuthErrorOut(ResponseSchema):
    """An OAuth error: a stable code and a description (RFC 6749, 5.2)."""

    error: str
    error_description: str
