"""Access tokens that are issued for API keys (RFC 9068)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.api_keys.services.key_secrets import KeySecret
from apps.authentication.services.signed_tokens import Kind, SignedTokens, new_token_id
from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS

# A retired signing key is accepted for as long as a session's access token lives, so this may not be longer.
CLIENT_TOKEN_SECONDS = ACCESS_TOKEN_SECONDS
CLIENT_TOKEN_KIND = Kind(required=("client_id", "secret_id", "scope", "jti"), foreign=("sid",))


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
    """Issues and reads the tokens."""

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
