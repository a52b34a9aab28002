"""What a token or a key is worth at this moment (RFC 7662)."""

from dataclasses import dataclass
from typing import Any

from apps.api_keys.services.key_format import KEY_START, digest_of, is_well_formed
from apps.authentication.domain.refresh_token import PREFIX as REFRESH_START
from apps.authentication.services.session_tokens import SessionTokens
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import TOKENS_INTROSPECT
from apps.oauth.schemas.oauth_token import IntrospectionOut
from apps.oauth.services.client_tokens import ClientTokens
from apps.oauth.services.live_client_tokens import LiveClientTokens
from apps.oauth.services.requested_scopes import common_scopes
from apps.verification.services.key_authentication import KeyAuthentication
from apps.verification.services.key_use import KeyUse

INACTIVE = IntrospectionOut(active=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a token that counts, and who its bearer is."""

    bearer: Principal
    told: IntrospectionOut

    def is_of(self, caller: Principal) -> bool:
        """Return whether the token is the caller's own: of its key, or of its session."""
        return (caller.api_key_id, caller.session_id) == (self.bearer.api_key_id, self.bearer.session_id)


class Introspection:
    """Tells what the database has of a token now, and counts nothing.

    Keys, and tokens that keys were exchanged for, are judged as `/keys/verify` judges them, but for what they have
    used up.
    """

    def __init__(
        self, sessions: SessionTokens, tokens: ClientTokens, clients: LiveClientTokens, keys: KeyAuthentication
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._clients = clients
        self._keys = keys

    async def introspect(self, caller: Principal, token: str, address: str | None) -> IntrospectionOut:
        """Return what is known of the token if it comes from `address`; of one that does not count, only that.

        So is one that the caller may not ask about (RFC 7662, 2.2): without the scope, all but the caller's own.
        """
        known = await self._known(token, address)
        if known is None or not (caller.has_scope(TOKENS_INTROSPECT) or known.is_of(caller)):
            return INACTIVE
        return known.told

    async def _known(self, token: str, address: str | None) -> Known | None:
        if token.startswith(KEY_START):
            return await self._key(token, address)
        if token.startswith(REFRESH_START):
            return await self._refresh_token(token)
        return await self._client_token(token, address) or await self._access_token(token)

    async def _key(self, key: str, address: str | None) -> Known | None:
        if not is_well_formed(key):
            return None
        use = KeyUse.of(await self._keys.inspect(digest_of(key), address))
        if use.principal is None:
            return None
        end = int(use.expires_at.timestamp()) if use.expires_at else None
        return self._of_client(use.principal, use.principal.scopes, exp=end)

    async def _client_token(self, token: str, address: str | None) -> Known | None:
        live = await self._clients.find(token)
        use = KeyUse.of(await self._keys.inspect(live.digest, address)) if live else None
        if live is None or use is None or use.principal is None:
            return None
        claims = live.claims
        scopes = common_scopes(use.principal.scopes, claims.scopes)
        times = {"iat": int(claims.issued_at.timestamp()), "exp": int(claims.expires_at.timestamp())}
        return self._of_client(use.principal, scopes, jti=claims.token_id, **times)

    async def _access_token(self, token: str) -> Known | None:
        found = await self._sessions.of_access_token(token)
        if found is None:
            return None
        return self._active(
            found.principal,
            scope=" ".join(found.principal.reserved_scopes),
            token_type="Bearer",  # noqa: S106  a name
            aud=self._tokens.audience,
            iat=found.issued_at,
            exp=found.expires_at,
            jti=found.token_id,
            amr=sorted(found.principal.methods),
            auth_time=found.authenticated_at,
        )

    async def _refresh_token(self, token: str) -> Known | None:
        # Its audience is who issued it: no service that reads `aud` takes it for an access token.
        found = await self._sessions.of_refresh_token(token)
        if found is None or found.is_spent:
            return None
        return self._active(
            found.principal,
            token_type="refresh_token",  # noqa: S106  a name
            aud=self._tokens.issuer,
            iat=found.issued_at,
            exp=found.expires_at,
        )

    def _of_client(self, key: Principal, scopes: frozenset[str], **said: Any) -> Known:
        known = {"client_id": str(key.api_key_id), "scope": " ".join(sorted(scopes))}
        return self._active(key, token_type="Bearer", aud=self._tokens.audience, **known, **said)  # noqa: S106

    def _active(self, bearer: Principal, **said: Any) -> Known:
        told = IntrospectionOut(active=True, sub=str(bearer.owner_id), iss=self._tokens.issuer, **said)
        return Known(bearer, told)
