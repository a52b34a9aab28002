"""Access tokens that API keys are exchanged for (RFC 9068)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.api_keys.services.key_secrets import KeySecret
from apps.authentication.services.signed_tokens import Kind, SignedTokens, new_token_id
from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS

# A signing key that retires is believed for as long as a session's access token lives, so this is no longer.
CLIENT_TOKEN_SECONDS = ACCESS_TOKEN_SECONDS
CLIENT_TOKEN_KIND = Kind(required=("client_id", "secret_id", "scope", "jti"), foreign=("sid",))


@dataclass(frozen=True, slots=True)
class ClientClaims:
    """What a client's token says: whose key it is, by which of its secrets it was exchanged, and what it may do."""

    user_id: int
    key_id: int
    secret_id: int
    scopes: tuple[str, ...]
    token_id: str
    issued_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, said: dict[str, Any]) -> "ClientClaims":
        """Return the claims of a verified token; raises ValueError or TypeError for what are none."""
        return cls(
            user_id=int(said["sub"]),
            key_id=int(said["client_id"]),
            secret_id=int(said["secret_id"]),
            scopes=tuple(said["scope"].split()),
            token_id=str(said["jti"]),
            issued_at=datetime.fromtimestamp(said["iat"], UTC),
            expires_at=datetime.fromtimestamp(said["exp"], UTC),
        )


class ClientTokens:
    """Issues and reads the tokens."""

    def __init__(self, tokens: SignedTokens) -> None:
        self._tokens = tokens
        self.issuer = tokens.issuer
        self.audience = tokens.audience

    async def issue(self, user_id: int, secret: KeySecret, scopes: Iterable[str]) -> tuple[str, str]:
        """Return a signed token of the user's key that ends in CLIENT_TOKEN_SECONDS, and its id."""
        token_id = new_token_id()
        said = {
            "sub": str(user_id),
            "client_id": str(secret.key_id),
            "secret_id": secret.id,
            "scope": " ".join(scopes),
            "jti": token_id,
        }
        return await self._tokens.sign(said, CLIENT_TOKEN_SECONDS), token_id

    async def read(self, token: str) -> ClientClaims | None:
        """Return what a genuine, current token says, else None. Whether it was called back is not looked at."""
        said = await self._tokens.verify(token)
        try:
            return ClientClaims.of(said) if said else None
        except (ValueError, TypeError, AttributeError, OverflowError):
            return None
