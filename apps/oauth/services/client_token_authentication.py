"""A client's token, presented to Keyhouse itself."""

from dataclasses import replace

from apps.core.authorization.principal import Principal
from apps.oauth.services.live_client_tokens import LiveClientTokens
from apps.oauth.services.requested_scopes import common_scopes
from apps.verification.services.key_authentication import KeyAuthentication
from apps.verification.services.key_use import KeyUse


class ClientTokenAuthentication:
    """Has the token stand for its key: whatever ends or restricts the key does so here at once."""

    def __init__(self, tokens: LiveClientTokens, keys: KeyAuthentication) -> None:
        self._tokens = tokens
        self._keys = keys

    async def use(self, token: str, address: str | None, *, is_metered: bool) -> KeyUse | None:
        """Return what came of using the token's key with the token's scopes; None when it is no token that counts.

        The secret that it was exchanged for is judged: a rotation that ends the secret ends the token. A metered use
        counts against the key's windows. Raises NotAllowed for a key that counts, but not from `address`.
        """
        live = await self._tokens.find(token)
        if live is None:
            return None
        use = KeyUse.of(await self._keys.judge_digest(live.digest, address, is_metered=is_metered))
        return replace(use, principal=_narrowed(use.principal, live.claims.scopes)) if use.principal else use


def _narrowed(key: Principal, scopes: tuple[str, ...]) -> Principal:
    return replace(key, scopes=common_scopes(key.scopes, scopes))
