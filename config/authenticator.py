"""The global authenticator: authenticates the caller of every router that is not public.

Tried in this order, the first valid credential wins: a JWT (of a session, or issued for an API key) or an API key as
`Authorization: Bearer`, then `X-API-Key`.
"""

from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer

from apps.api_keys.services.key_format import KEY_START
from apps.authentication.dependencies import session_service
from apps.core.authorization.principal import Principal
from apps.core.errors import TooManyRequests
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.core.request_context import current_request
from apps.oauth.dependencies import client_token_authentication
from apps.verification.dependencies import key_authentication
from apps.verification.services.key_authentication import KeyAuthenticationResult


class BearerCredential(HttpBearer):
    """`Authorization: Bearer <JWT or API key>`."""

    def __init__(self, *, keys_are_limited: bool) -> None:
        super().__init__()
        self._keys_are_limited = keys_are_limited

    async def authenticate(self, request: HttpRequest, token: str) -> Principal | None:
        """Return the caller, or None; raises TooManyRequests for a key that has exceeded its rate limits."""
        if token.startswith(KEY_START):
            return await _key_principal(request, token, is_limited=self._keys_are_limited)
        session = await session_service().authenticate(token)
        return session or await _client_principal(request, token, is_limited=self._keys_are_limited)


class ApiKeyCredential(APIKeyHeader):
    """`X-API-Key: <API key>`."""

    param_name = "X-API-Key"

    def __init__(self, *, keys_are_limited: bool) -> None:
        super().__init__()
        self._keys_are_limited = keys_are_limited

    async def authenticate(self, request: HttpRequest, key: str | None) -> Principal | None:
        """Return the caller, or None; raises TooManyRequests for a key that has exceeded its rate limits."""
        return await _key_principal(request, key, is_limited=self._keys_are_limited) if key else None


async def _key_principal(request: HttpRequest, key: str, *, is_limited: bool) -> Principal | None:
    verdict = await key_authentication().verify(key, current_request().client_address, is_metered=is_limited)
    return _admitted(request, KeyAuthenticationResult.of(verdict), is_limited=is_limited)


async def _client_principal(request: HttpRequest, token: str, *, is_limited: bool) -> Principal | None:
    address = current_request().client_address
    use = await client_token_authentication().use(token, address, is_metered=is_limited)
    return _admitted(request, use, is_limited=is_limited) if use else None


def _admitted(request: HttpRequest, use: KeyAuthenticationResult, *, is_limited: bool) -> Principal | None:
    if is_limited:
        record_rate_limits(request, use.rate_limits)
    if use.is_limited:
        raise TooManyRequests(retry_after_seconds=use.retry_after_seconds)
    return use.principal


AUTHENTICATOR = [BearerCredential(keys_are_limited=True), ApiKeyCredential(keys_are_limited=True)]
# For operations that verify other accounts' keys: the caller's own rate limits would block the caller's customers.
SERVICE_AUTHENTICATOR = [BearerCredential(keys_are_limited=False), ApiKeyCredential(keys_are_limited=False)]
