"""Clients' tokens that still count here, as opposed to those who verify them offline."""

from dataclasses import dataclass, field

from apps.api_keys.services.key_secrets import KeySecrets
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.client_tokens import ClientClaims, ClientTokens


@dataclass(frozen=True, slots=True)
class LiveClientToken:
    """What a token says, and the digest of the secret that it was exchanged for, by which its key is judged."""

    claims: ClientClaims
    digest: bytes = field(repr=False)


class LiveClientTokens:
    """Finds out whether a token was called back, and what stands behind it."""

    def __init__(self, tokens: ClientTokens, revoked: RevokedTokenRepository, secrets: KeySecrets) -> None:
        self._tokens = tokens
        self._revoked = revoked
        self._secrets = secrets

    async def find(self, token: str) -> LiveClientToken | None:
        """Return a token that is genuine, current and not called back, else None. Its key is not judged yet."""
        claims = await self._tokens.read(token)
        if claims is None or await self._revoked.holds(claims.token_id):
            return None
        secret = await self._secrets.find_by_id(claims.secret_id)
        if secret is None or secret.key_id != claims.key_id:
            return None
        return LiveClientToken(claims, secret.digest)
