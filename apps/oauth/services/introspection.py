"""Introspects tokens and API keys (RFC 7662)."""

from dataclasses import dataclass
from typing import Any

from apps.api_keys.services.key_format import KEY_START, digest_of, is_well_formed
from apps.authentication.domain.refresh_token import PREFIX as REFRESH_START
from apps.authentication.services.session_tokens import SessionTokens
from apps.core.authorization.principal import Principal
from apps.core.authorization.scopes import TOKENS_INTROSPECT
from apps.core.values.ip_addresses import parse_address
from apps.oauth.schemas.oauth_token import IntrospectionOut
from apps.oauth.services.client_tokens import ActiveClientTokens, ClientTokens
from apps.oauth.services.requested_scopes import common_scopes
from apps.verification.services.key_authentication import KeyAuthentication, KeyAuthenticationResult

INACTIVE = IntrospectionOut(active=False)


@dataclass(frozen=True, slots=True)
class ActiveToken:
    """A token's bearer, and the response about it."""

    bearer: Principal
    response: IntrospectionOut

    def belongs_to(self, caller: Principal) -> bool:
        """Return whether the token is of the caller's own key, or of its session."""
        return (caller.api_key_id, caller.session_id) == (self.bearer.api_key_id, self.bearer.session_id)


class Introspection:
    """Introspects tokens and keys by the current state of the database, without counting a call.

    Keys, and tokens that were issued for keys, are verified as `/keys/verify` does, apart from rate limits and credits.
    """

    def __init__(
        self, sessions: SessionTokens, tokens: ClientTokens, clients: ActiveClientTokens, keys: KeyAuthentication
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._clients = clients
        self._keys = keys

    async def introspect(self, caller: Principal, token: str, address: str | None) -> IntrospectionOut:
        """Return whether the token is active when it is presented from `address`, and its scopes if it is.

        A token that the caller may not introspect is reported as inactive (RFC 7662, 2.2). Without the scope, a caller
        may introspect only its own tokens. From an address that cannot be read no token is active: who presents a
        token may also control what its service takes for the address.
        """
        if address is not None and parse_address(address) is None:
            return INACTIVE
        found = await self._find(token, address)
        if found is None or not (caller.has_scope(TOKENS_INTROSPECT) or found.belongs_to(caller)):
            return INACTIVE
        return found.response

    async def _find(self, token: str, address: str | None) -> ActiveToken | None:
        if token.startswith(KEY_START):
            return await self._find_key(token, address)
        if token.startswith(REFRESH_START):
            return await self._find_refresh_token(token)
        return await self._find_client_token(token, address) or await self._find_access_token(token)

    async def _find_key(self, key: str, address: str | None) -> ActiveToken | None:
        if not is_well_formed(key):
            return None
        use = KeyAuthenticationResult.of(await self._keys.inspect(digest_of(key), address))
        if use.principal is None:
            return None
        expires_at = int(use.expires_at.timestamp()) if use.expires_at else None
        return self._of_client(use.principal, use.principal.scopes, exp=expires_at)

    async def _find_client_token(self, token: str, address: str | None) -> ActiveToken | None:
        active = await self._clients.find(token)
        use = KeyAuthenticationResult.of(await self._keys.inspect(active.digest, address)) if active else None
        if active is None or use is None or use.principal is None:
            return None
        claims = active.claims
        scopes = common_scopes(use.principal.scopes, claims.scopes)
        times = {"iat": int(claims.issued_at.timestamp()), "exp": int(claims.expires_at.timestamp())}
        return self._of_client(use.principal, scopes, jti=claims.token_id, **times)

    async def _find_access_token(self, token: str) -> ActiveToken | None:
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

    async def _find_refresh_token(self, token: str) -> ActiveToken | None:
        # Its audience is the issuer, so that no service which checks `aud` accepts it as an access token.
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

    def _of_client(self, key: Principal, scopes: frozenset[str], **claims: Any) -> ActiveToken:
        client = {"client_id": str(key.api_key_id), "scope": " ".join(sorted(scopes))}
        return self._active(key, token_type="Bearer", aud=self._tokens.audience, **client, **claims)  # noqa: S106

    def _active(self, bearer: Principal, **claims: Any) -> ActiveToken:
        response = IntrospectionOut(active=True, sub=str(bearer.owner_id), iss=self._tokens.issuer, **claims)
        return ActiveToken(bearer, response)
