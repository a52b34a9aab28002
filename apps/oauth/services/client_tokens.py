"""Access tokens issued for API keys (RFC 9068), and the checks of them that are not possible offline."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apps.api_keys.services.key_secrets import KeySecret, KeySecrets
from apps.authentication.services.signed_tokens import SignedTokens, TokenKind, new_token_id
from apps.core.authorization.principal import Principal
from apps.core.values.api_contract import ACCESS_TOKEN_SECONDS
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.requested_scopes import common_scopes
from apps.verification.services.key_authentication import KeyAuthentication, KeyAuthenticationResult

# A retired signing key is accepted for as long as a session's access token lives, so this may not be longer.
CLIENT_TOKEN_SECONDS = ACCESS_TOKEN_SECONDS
CLIENT_TOKEN_KIND = TokenKind(required=("client_id", "secret_id", "scope", "jti"), foreign=("sid",))


@dataclass(frozen=True, slots=True)
class ClientClaims:
    """The claims of a client's token: the account, its key, the secret that was exchanged, and the scopes."""

    user_id: int
    key_id: int
    secret_id: int
    scopes: tuple[str, ...]
    token_id: str
    issued_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "ClientClaims":
        """Return the claims of a verified token; raises ValueError or TypeError when one is malformed."""
        return cls(
            user_id=int(claims["sub"]),
            key_id=int(claims["client_id"]),
            secret_id=int(claims["secret_id"]),
            scopes=tuple(claims["scope"].split()),
            token_id=str(claims["jti"]),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )


class ClientTokens:
    """Issues and reads tokens of clients."""

    def __init__(self, tokens: SignedTokens) -> None:
        self._tokens = tokens
        self.issuer = tokens.issuer
        self.audience = tokens.audience

    async def issue(self, user_id: int, secret: KeySecret, scopes: Iterable[str]) -> tuple[str, str]:
        """Return a signed token for the account's key and its id; it expires in CLIENT_TOKEN_SECONDS."""
        token_id = new_token_id()
        claims = {
            "sub": str(user_id),
            "client_id": str(secret.key_id),
            "secret_id": secret.id,
            "scope": " ".join(scopes),
            "jti": token_id,
        }
        return await self._tokens.sign(claims, CLIENT_TOKEN_SECONDS), token_id

    async def read(self, token: str) -> ClientClaims | None:
        """Return the claims of a valid token that has not expired, else None. Revocation is not checked."""
        claims = await self._tokens.verify(token)
        try:
            return ClientClaims.of(claims) if claims else None
        except (ValueError, TypeError, AttributeError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class ActiveClientToken:
    """A token's claims, and the digest of the secret that it was exchanged for, by which its key is verified."""

    claims: ClientClaims
    digest: bytes = field(repr=False)


class ActiveClientTokens:
    """Finds tokens that are not revoked, and their secrets."""

    def __init__(self, tokens: ClientTokens, revoked: RevokedTokenRepository, secrets: KeySecrets) -> None:
        self._tokens = tokens
        self._revoked = revoked
        self._secrets = secrets

    async def find(self, token: str) -> ActiveClientToken | None:
        """Return the token if it is valid, not expired and not revoked, else None. Its key is not verified yet."""
        claims = await self._tokens.read(token)
        if claims is None or await self._revoked.contains(claims.token_id):
            return None
        secret = await self._secrets.find_by_id(claims.secret_id)
        if secret is None or secret.key_id != claims.key_id:
            return None
        return ActiveClientToken(claims, secret.digest)


class ClientTokenAuthentication:
    """Verifies the key of a token, so that revoking or restricting the key immediately affects the token."""

    def __init__(self, tokens: ActiveClientTokens, keys: KeyAuthentication) -> None:
        self._tokens = tokens
        self._keys = keys

    async def use(self, token: str, address: str | None, *, is_metered: bool) -> KeyAuthenticationResult | None:
        """Use the token's key with the token's scopes, and return the outcome; None when the token is not active.

        The secret that the token was exchanged for is verified: a rotation that ends the secret ends the token. A
        metered use counts against the key's rate limits. Raises NotAllowed for a key that may not be used from
        `address`.
        """
        active = await self._tokens.find(token)
        if active is None:
            return None
        use = KeyAuthenticationResult.of(await self._keys.verify_digest(active.digest, address, is_metered=is_metered))
        return replace(use, principal=_restricted(use.principal, active.claims.scopes)) if use.principal else use


def _restricted(key: Principal, scopes: tuple[str, ...]) -> Principal:
    return replace(key, scopes=common_scopes(key.scopes, scopes), is_temporary=True)
