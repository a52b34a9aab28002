"""The global authenticator: whoever calls a router that is not public passes here.

Tried in this order, the first that counts wins: a JWT or an API key as `Authorization: Bearer`, then `X-API-Key`.
"""

from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer

from apps.api_keys.services.key_format import KEY_START
from apps.authentication.dependencies import authentication_service
from apps.core.request_context import current_request
from apps.core.security.principal import Principal
from apps.verification.dependencies import key_authentication


class BearerCredential(HttpBearer):
    """`Authorization: Bearer <JWT or API key>`."""

    async def authenticate(self, _request: HttpRequest, token: str) -> Principal | None:
        """Return the caller, or None."""
        if token.startswith(KEY_START):
            return await key_authentication().authenticate(token, current_request().client_address)
        return await authentication_service().authenticate(token)


class ApiKeyCredential(APIKeyHeader):
    """`X-API-Key: <API key>`."""

    param_name = "X-API-Key"

    async def authenticate(self, _request: HttpRequest, key: str | None) -> Principal | None:
        """Return the caller, or None."""
        return await key_authentication().authenticate(key, current_request().client_address) if key else None


AUTHENTICATOR = [BearerCredential(), ApiKeyCredential()]
