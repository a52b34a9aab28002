"""Access tokens of sessions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.authentication.services.key_ring import KeyRing
from apps.authentication.services.signed_tokens import Kind, SignedTokens
from apps.core.values.lifetimes import ACCESS_TOKEN_SECONDS

ACCESS_TOKEN_KIND = Kind(required=("sid",), foreign=("client_id",))


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: whose it is, by which session, and how and when its owner was last asked for proof."""

    user_id: int
    session_id: int
    methods: tuple[str, ...] = ()
    authenticated_at: datetime | None = None


class AccessTokens:
    """Issues and reads access tokens."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        self._tokens = SignedTokens(ring, ACCESS_TOKEN_KIND, issuer=issuer, audience=audience)

    async def issue(self, claims: AccessClaims, scopes: Iterable[str] = ()) -> str:
        """Return a signed token that ends in ACCESS_TOKEN_SECONDS.

        `scopes` are for those who verify it offline (RFC 9068); Keyhouse asks the database what the caller may.
        """
        said: dict[str, Any] = {
            "sub": str(claims.user_id),
            "sid": claims.session_id,
            "scope": " ".join(scopes),
            "amr": list(claims.methods),
        }
        if claims.authenticated_at:
            said["auth_time"] = int(claims.authenticated_at.timestamp())
        return await self._tokens.sign(said, ACCESS_TOKEN_SECONDS)

    async def read(self, token: str) -> AccessClaims | None:
        """Return whose a genuine, current token is, and by which session, else None."""
        said = await self.verify(token)
        try:
            return AccessClaims(user_id=int(said["sub"]), session_id=int(said["sid"])) if said else None
        except (ValueError, TypeError):
            return None

    async def verify(self, token: str) -> dict[str, Any] | None:
        """Return all that a genuine, current token says, else None."""
        return await self._tokens.verify(token)
