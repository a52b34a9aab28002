"""Calling tokens back (RFC 7009)."""

from contextlib import suppress

from apps.api_keys.services.key_format import KEY_START
from apps.audit.domain.audit_entry import AuditEntry
from apps.authentication.services.session_service import SessionService
from apps.authentication.services.session_tokens import SessionToken, SessionTokens
from apps.core.authorization.principal import Principal
from apps.core.database.batches import remove_in_batches
from apps.core.errors import NotFound
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.client_tokens import ClientClaims, ClientTokens
from apps.oauth.services.oauth_errors import InvalidClient, UnauthorizedClient, UnsupportedTokenType


class Revocation:
    """Ends what a token stands for.

    The tokens of sessions belong to the company's own applications, which are public clients: whoever holds one may
    call it back, and its session ends. A key's token belongs to its key, which has to prove itself (RFC 7009, 2.1).
    """

    def __init__(
        self,
        session_tokens: SessionTokens,
        sessions: SessionService,
        tokens: ClientTokens,
        revoked: RevokedTokenRepository,
    ) -> None:
        self._session_tokens = session_tokens
        self._sessions = sessions
        self._tokens = tokens
        self._revoked = revoked

    async def revoke(self, client: Principal | None, token: str) -> None:
        """Call the token back; an unknown one, or one that is over, changes nothing.

        Raises UnsupportedTokenType for an API key, InvalidClient for a key's token without its client, and
        UnauthorizedClient for a token of somebody else.
        """
        if token.startswith(KEY_START):
            raise UnsupportedTokenType
        claims = await self._tokens.read(token)
        if claims is not None:
            await self._revoke_client_token(client, claims)
        elif session := await self._session_of(token):
            await self._end(client, session)

    async def remove_expired(self) -> int:
        """Forget called-back tokens that ended an hour ago, in batches, and return how many."""
        return await remove_in_batches(self._revoked.remove_expired)

    async def _session_of(self, token: str) -> SessionToken | None:
        known = await self._session_tokens.of_refresh_token(token)
        return known or await self._session_tokens.of_access_token(token)

    async def _revoke_client_token(self, client: Principal | None, claims: ClientClaims) -> None:
        if client is None:
            raise InvalidClient("The client has to prove who it is.")
        if client.api_key_id != claims.key_id:
            raise UnauthorizedClient
        audit = AuditEntry(client, "token.revoked", "api_key", claims.key_id, after={"token_id": claims.token_id})
        await self._revoked.add(claims.token_id, claims.expires_at, audit)

    async def _end(self, client: Principal | None, session: SessionToken) -> None:
        if client is not None:
            raise UnauthorizedClient
        with suppress(NotFound):  # it has ended meanwhile
            await self._sessions.logout(session.principal)
