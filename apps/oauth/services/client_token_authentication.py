"""Authentication by a client's token at Keyhouse itself, which checks what offline verification cannot."""

from dataclasses import dataclass, field, replace

from apps.api_keys.services.key_secrets import KeySecrets
from apps.core.authorization.principal import Principal
from apps.oauth.repositories.revoked_token_repository import RevokedTokenRepository
from apps.oauth.services.client_tokens import ClientClaims, ClientTokens
from apps.oauth.services.requested_scopes import common_scopes
from apps.verification.services.key_authentication import KeyAuthentication, KeyAuthenticationResult


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
    """Verifies the key behind a token: whatever ends or restricts the key ends or restricts the token at once."""

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
    return replace(key, scopes=common_scopes(key.scopes, scopes))
