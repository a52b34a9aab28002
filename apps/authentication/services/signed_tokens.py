"""JWTs under our own EdDSA keys (RFC 7519, RFC 8725), which other services may verify offline."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from apps.authentication.services.key_ring import KeyRing

ALGORITHM = "EdDSA"
CLOCK_LEEWAY_SECONDS = 5
TOKEN_ID_BYTES = 12
ALWAYS = ("exp", "iat", "iss", "aud", "sub")


class SignedTokens:
    """Signs and verifies the tokens of one type (`typ`); one of another type is not believed (RFC 8725, 3.11)."""

    def __init__(self, ring: KeyRing, token_type: str, *, issuer: str, audience: str) -> None:
        self._ring = ring
        self._token_type = token_type
        self.issuer = issuer
        self.audience = audience

    async def sign(self, claims: Mapping[str, Any], ttl_seconds: int) -> str:
        """Return a token with these claims and who issued it, for whom, from when and until when, and its id."""
        kid, private_key = await self._ring.signing_key()
        now = datetime.now(UTC)
        payload = {
            "iss": self.issuer,
            "aud": self.audience,
            "iat": now,
            "exp": now + timedelta(seconds=ttl_seconds),
            "jti": new_token_id(),
            **claims,
        }
        return jwt.encode(payload, private_key, algorithm=ALGORITHM, headers={"kid": kid, "typ": self._token_type})

    async def verify(self, token: str, required: tuple[str, ...] = ()) -> dict[str, Any] | None:
        """Return what a genuine, current token of the type says, else None.

        Only our own keys are tried, found by `kid`, and only EdDSA: what the header says of `alg`, `jwk` or `jku`
        is not believed.
        """
        try:
            header = jwt.get_unverified_header(token)
            public_key = await self._ring.public_key(str(header.get("kid", "")))
            if public_key is None or header.get("typ") != self._token_type:
                return None
            return jwt.decode(
                token,
                public_key,
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                audience=self.audience,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": [*ALWAYS, *required]},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None


def new_token_id() -> str:
    """Return an id that no other token has."""
    return secrets.token_urlsafe(TOKEN_ID_BYTES)
