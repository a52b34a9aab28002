"""Who asks about tokens: a client, or the bearer of a key or of an access token (RFC 7662, 2.1)."""

from collections.abc import Awaitable, Callable, Mapping

from apps.api_keys.services.key_format import KEY_START
from apps.authentication.services.session_service import SessionService
from apps.core.authorization.principal import Principal
from apps.core.errors import NotAllowed
from apps.core.request_context import current_request
from apps.oauth.services.client_authentication import ClientAuthentication
from apps.oauth.services.client_credentials import TWO_WAYS, bearer_of, read_credentials
from apps.oauth.services.client_token_authentication import ClientTokenAuthentication
from apps.oauth.services.oauth_errors import InvalidBearerToken, OAuthError
from apps.verification.services.key_authentication import KeyAuthentication
from apps.verification.services.key_use import KeyUse


class CallerAuthentication:
    """Finds out who the caller is. Windows do not count: callers ask on behalf of others."""

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

    async def authenticate(
        self, authorization: str, form: Mapping[str, str], count_failure: Callable[[], Awaitable[None]]
    ) -> Principal:
        """Return the caller; raises InvalidClient, InvalidBearerToken, or OAuthError for who proves it in two ways.

        A failure is counted first, and noted when that raises nothing: beyond the limit nothing is written.
        """
        try:
            return await self._prove(authorization, form)
        except OAuthError as failure:
            await count_failure()
            await self._clients.note(failure)
            raise

    async def _prove(self, authorization: str, form: Mapping[str, str]) -> Principal:
        bearer = bearer_of(authorization)
        if bearer is None:
            return await self._clients.prove(read_credentials(authorization, form))
        if "client_secret" in form:
            raise OAuthError(TWO_WAYS)
        caller = await self._holder(bearer)
        if caller is None:
            raise InvalidBearerToken
        return caller

    async def _holder(self, bearer: str) -> Principal | None:
        address = current_request().client_address
        try:
            if bearer.startswith(KEY_START):
                return KeyUse.of(await self._keys.judge(bearer, address, is_metered=False)).principal
            use = await self._tokens.use(bearer, address, is_metered=False)
        except NotAllowed as error:  # good, but not from there
            raise InvalidBearerToken(error.public_message) from error
        return use.principal if use else await self._sessions.authenticate(bearer)
