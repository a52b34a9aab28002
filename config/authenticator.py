"""The global authenticator: authenticates the caller of every router that is not public.

The credential is a JWT (of a session, or issued for an API key) or an API key as `Authorization: Bearer`, or an API key
as `X-API-Key`. A request with both headers is of the JWT's caller, if both credentials are valid: a client learns of a
credential that cannot be used, whatever else it sends.
"""

from typing import override

from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer

from apps.api_keys.services.key_format import KEY_START
from apps.authentication.dependencies import session_service
from apps.core.authorization.authorization_header import BEARER, MalformedAuthorization, credential_in
from apps.core.authorization.principal import Principal
from apps.core.errors import InvalidCredential, NotAuthenticated, TooManyRequests
from apps.core.rate_limits.response_headers import record_rate_limits
from apps.core.request_context import current_request
from apps.oauth.dependencies import client_token_authentication
from apps.verification.dependencies import key_authentication
from apps.verification.services.key_authentication import KeyAuthenticationResult

KEY_HEADER = "X-API-Key"


class BearerCredential(HttpBearer):
    """`Authorization: Bearer <JWT or API key>`, beside which `X-API-Key` must be valid too."""

    def __init__(self, *, keys_are_limited: bool) -> None:
        super().__init__()
        self._keys_are_limited = keys_are_limited

    @override
    async def __call__(self, request: HttpRequest) -> Principal | None:
        """Return the caller, or None without the header; raises as `authenticate` does."""
        header, key = request.headers.get(self.header), request.headers.get(KEY_HEADER)
        if not header:
            return None
        token = _bearer_token(header, is_alone=not key)
        if key and not (key == token and token.startswith(KEY_START)):
            await _require_beside(key, token)
        return await self.authenticate(request, token)

    @override
    async def authenticate(self, request: HttpRequest, token: str) -> Principal:
        """Return the caller; raises InvalidCredential, TooManyRequests for a key that has exceeded its rate limits."""
        if token.startswith(KEY_START):
            return await _key_principal(request, token, is_limited=self._keys_are_limited)
        session = await session_service().authenticate(token)
        return session or await _client_principal(request, token, is_limited=self._keys_are_limited)


class ApiKeyCredential(APIKeyHeader):
    """`X-API-Key: <API key>`, in a request without `Authorization`."""

    param_name = KEY_HEADER

    def __init__(self, *, keys_are_limited: bool) -> None:
        super().__init__()
        self._keys_are_limited = keys_are_limited

    @override
    async def authenticate(self, request: HttpRequest, key: str | None) -> Principal | None:
        """Return the caller, or None without a key; raises as `BearerCredential.authenticate` does."""
        return await _key_principal(request, key, is_limited=self._keys_are_limited) if key else None


def _bearer_token(header: str, *, is_alone: bool) -> str:
    try:
        token = credential_in(header, BEARER)
    except MalformedAuthorization:
        raise InvalidCredential from None
    if token is None:
        # RFC 6750, 3.1: no error code for another scheme, which is as good as no credential.
        raise NotAuthenticated if is_alone else InvalidCredential
    return token


async def _require_beside(key: str, token: str) -> None:
    """Raise InvalidCredential unless the key is valid and the token beside it is a JWT. Counts no call of the key."""
    address = current_request().client_address
    if token.startswith(KEY_START) or not (await key_authentication().verify(key, address, is_metered=False)).is_valid:
        raise InvalidCredential


async def _key_principal(request: HttpRequest, key: str, *, is_limited: bool) -> Principal:
    verdict = await key_authentication().verify(key, current_request().client_address, is_metered=is_limited)
    return _admitted(request, KeyAuthenticationResult.of(verdict), is_limited=is_limited)


async def _client_principal(request: HttpRequest, token: str, *, is_limited: bool) -> Principal:
    address = current_request().client_address
    use = await client_token_authentication().use(token, address, is_metered=is_limited)
    if use is None:
        raise InvalidCredential
    return _admitted(request, use, is_limited=is_limited)


def _admitted(request: HttpRequest, use: KeyAuthenticationResult, *, is_limited: bool) -> Principal:
    if is_limited:
        record_rate_limits(request, use.rate_limits)
    if use.is_limited:
        raise TooManyRequests(retry_after_seconds=use.retry_after_seconds)
    if use.principal is None:
        raise InvalidCredential
    return use.principal


AUTHENTICATOR = [BearerCredential(keys_are_limited=True), ApiKeyCredential(keys_are_limited=True)]
# For operations that verify other accounts' keys: the caller's own rate limits would block the caller's customers.
SERVICE_AUTHENTICATOR = [BearerCredential(keys_are_limited=False), ApiKeyCredential(keys_are_limited=False)]
