"""Authenticates callers that introspect tokens: a client, or the bearer of a key or an access token (RFC 7662, 2.1)."""

from collections.abc import Mapping

from apps.api_keys.services.key_format import KEY_START
from apps.authentication.services.session_service import SessionService
from apps.core.authorization.principal import Principal
from apps.core.errors import NotAllowed
from apps.core.request_context import current_request
from apps.oauth.services.client_authentication import ClientAuthentication
from apps.oauth.services.client_credentials import SEVERAL_METHODS, bearer_of, read_credentials
from apps.oauth.services.client_tokens import ClientTokenAuthentication
from apps.oauth.services.oauth_errors import InvalidBearerToken, OAuthError, RefusedClient
from apps.verification.services.key_authentication import KeyAuthentication, KeyAuthenticationResult


class CallerAuthentication:
    """Authenticates callers, and counts nothing against their rate limits: they call on behalf of others."""

    def __init__(
        self,
        clients: ClientAuthentication,
        keys: KeyAuthentication,
        tokens: ClientTokenAuthentication,
        sessions: SessionService,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._tokens = tokens
        self._sessions = sessions

    async def authenticate(self, authorization: str, form: Mapping[str, str]) -> Principal:
        """Return the caller; raises InvalidClient, InvalidBearerToken, OAuthError for more than one credential.

        Pass what it raises to `record`, unless too many attempts have failed.
        """
        bearer = bearer_of(authorization)
        if bearer is None:
            return await self._clients.identify(read_credentials(authorization, form))
        if "client_secret" in form:
            raise OAuthError(SEVERAL_METHODS)
        caller = await self._bearer(bearer)
        if caller is None:
            raise InvalidBearerToken
        return caller

    async def record(self, failure: OAuthError) -> None:
        """Record in the audit trail that a valid secret was refused, if that is the failure."""
        if isinstance(failure, RefusedClient):
            await self._clients.record(failure)

    async def _bearer(self, bearer: str) -> Principal | None:
        address = current_request().client_address
        try:
            if bearer.startswith(KEY_START):
                return KeyAuthenticationResult.of(await self._keys.verify(bearer, address, is_metered=False)).principal
            use = await self._tokens.use(bearer, address, is_metered=False)
        except NotAllowed as error:  # valid, but not from this address
            raise InvalidBearerToken(error.public_message) from error
        return use.principal if use else await self._sessions.authenticate(bearer)
