"""The errors of RFC 6749 (5.2), RFC 7009, RFC 6750 and RFC 8707, with their codes."""

from collections.abc import Sequence
from typing import ClassVar

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.errors import DomainError, TooManyRequests
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.values.api_contract import API_PATH

BASIC = 'Basic realm="keyhouse", charset="UTF-8"'
BEARER = 'Bearer realm="keyhouse", error="invalid_token"'


class OAuthError(DomainError):
    """An error with OAuth's code; `challenge` is the value of WWW-Authenticate, or empty."""

    status, code, message = 400, "invalid_request", "The request is malformed. Check its parameters."
    challenge: ClassVar[str] = ""


class InvalidClient(OAuthError):
    """Client authentication failed."""

    status, code = 401, "invalid_client"
    message = "The client id or secret is wrong, or the API key cannot be used."
    challenge = BASIC


class RefusedClient(InvalidClient):
    """The client's secret is valid, but its key cannot be used; `entry` is the audit entry for its owner."""

    def __init__(self, entry: AuditEntry, message: str | None = None) -> None:
        super().__init__(message)
        self.entry = entry


class InvalidBearerToken(OAuthError):
    """The bearer token or API key cannot be used (RFC 6750, 3.1)."""

    status, code = 401, "invalid_token"
    message = "The bearer token is invalid, expired or revoked, or the API key cannot be used."
    challenge = BEARER


class InvalidScope(OAuthError):
    """A requested scope is malformed, or the key lacks it."""

    code, message = "invalid_scope", "The scope is malformed, or exceeds the scopes of the API key."


class InvalidTarget(OAuthError):
    """The requested resource is malformed, or tokens for it are not issued (RFC 8707, 2)."""

    code = "invalid_target"
    message = "The resource is not one that the operator has configured. Request a token for one resource at a time."


class UnauthorizedClient(OAuthError):
    """The client is authenticated, and the token was not issued to it."""

    code, message = "unauthorized_client", "The token was not issued to this client."


class UnsupportedGrantType(OAuthError):
    """The grant type is not supported."""

    code, message = "unsupported_grant_type", "The only supported grant_type is client_credentials."


class UnsupportedTokenType(OAuthError):
    """Tokens of this type cannot be revoked here."""

    code = "unsupported_token_type"
    message = f"An API key is not a token. Revoke it at {API_PATH}/api-keys/{{id}}/revoke."


class ClientLimited(TooManyRequests):
    """The client's key has exceeded a rate limit; `rate_limits` is the status of its limits."""

    def __init__(self, rate_limits: Sequence[RateLimitStatus], retry_after_seconds: int | None) -> None:
        message = "The API key has exceeded its rate limit."
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.rate_limits = rate_limits
