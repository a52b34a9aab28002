"""The refusals of RFC 6749 (5.2), RFC 7009 and RFC 6750, by their codes."""

from collections.abc import Sequence
from typing import ClassVar

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.errors import DomainError, TooManyRequests
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.values.api_path import API_PATH

BASIC = 'Basic realm="keyhouse", charset="UTF-8"'
BEARER = 'Bearer realm="keyhouse", error="invalid_token"'


class OAuthError(DomainError):
    """A refusal as OAuth words it; `challenge` is what WWW-Authenticate says, where it does."""

    status, code, message = 400, "invalid_request", "The request is malformed."
    challenge: ClassVar[str] = ""


class InvalidClient(OAuthError):
    """The client has not proven who it is."""

    status, code, message = 401, "invalid_client", "The client's id or secret is wrong, or its key may not be used."
    challenge = BASIC


class RefusedClient(InvalidClient):
    """The client's secret is right, and its key may not be used; `entry` tells its owner."""

    def __init__(self, entry: AuditEntry, message: str | None = None) -> None:
        super().__init__(message)
        self.entry = entry


class InvalidBearerToken(OAuthError):
    """The bearer's token or key may not be used (RFC 6750, 3.1)."""

    status, code, message = 401, "invalid_token", "The bearer's token or key may not be used."
    challenge = BEARER


class InvalidScope(OAuthError):
    """A scope that was asked for is none, or not the key's."""

    code, message = "invalid_scope", "The key does not have all these scopes, or they are malformed."


class UnauthorizedClient(OAuthError):
    """The client is known, and may not do this."""

    code, message = "unauthorized_client", "The token was not issued to this client."


class UnsupportedGrantType(OAuthError):
    """The grant is not one of ours."""

    code, message = "unsupported_grant_type", "The only grant is client_credentials."


class UnsupportedTokenType(OAuthError):
    """The token is of a kind that is not called back here."""

    code = "unsupported_token_type"
    message = f"An API key is no token; revoke it at {API_PATH}/api-keys/{{id}}/revoke."


class ClientLimited(TooManyRequests):
    """The client's key is over a rate limit; `rate_limits` are as they stand."""

    def __init__(self, rate_limits: Sequence[RateLimitStatus], retry_after_seconds: int | None) -> None:
        super().__init__("The key has used its rate limit up.", retry_after_seconds=retry_after_seconds)
        self.rate_limits = rate_limits
