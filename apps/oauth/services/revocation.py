"""Revokes tokens (RFC 7009)."""

from contextlib import suppress

from apps.api_keys.services.key_format import KEY_START
from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.authentication.services.session_service import SessionService
from apps.authentication.services.session_tokens import SessionToken, SessionTokens
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.client_tokens import ClientClaims, ClientTokens
from apps.oauth.services.oauth_errors import InvalidClient, UnauthorizedClient, UnsupportedTokenType


class Revocation:
    """Revokes tokens of sessions and of clients.

    Tokens of sessions belong to the operator's own applications, which are public clients: the token itself is enough
    to revoke it, and its session ends. A client's token is revoked by its key, which must authenticate (RFC 7009, 2.1).
    """

    def __init__(
        self,
        session_tokens: SessionTokens,
        sessions: SessionService,
        tokens: ClientTokens,
        revoked: RevokedTokenRepository,
        audit: AuditTrail,
    ) -> None:
        self._session_tokens = session_tokens
        self._sessions = sessions
        self._tokens = tokens
        self._revoked = revoked
        self._audit = audit

    async def revoke(self, client: Principal | None, token: str) -> None:
        """Revoke the token. Does nothing for an unknown, expired or revoked token.

        Raises UnsupportedTokenType for an API key, InvalidClient for a client's token without client authentication,
        and UnauthorizedClient for a token of another client or of a session.
        """
        if token.startswith(KEY_START):
            raise UnsupportedTokenType
        claims = await self._tokens.read(token)
        if claims is not None:
            await self._revoke_client_token(client, claims)
        elif session := await self._session_of(token):
            await self._end_session(client, session)

    async def _session_of(self, token: str) -> SessionToken | None:
        found = await self._session_tokens.of_refresh_token(token)
        return found or await self._session_tokens.of_access_token(token)

    async def _revoke_client_token(self, client: Principal | None, claims: ClientClaims) -> None:
        if client is None:
            raise InvalidClient("Client authentication is required.")
        if client.api_key_id != claims.key_id:
            raise UnauthorizedClient
        after = {"token_id": claims.token_id}
        async with transaction():
            if await self._revoked.insert(claims.token_id, claims.expires_at):
                await self._audit.record(AuditEntry(client, "token.revoked", "api_key", claims.key_id, after=after))

    async def _end_session(self, client: Principal | None, session: SessionToken) -> None:
        if client is not None:
            raise UnauthorizedClient
        with suppress(NotFound):  # it has ended in the meantime
            await self._sessions.logout(session.principal)
