"""JWTs under our own EdDSA keys (RFC 7519, RFC 8725), which other services may verify offline."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from apps.authentication.services.key_ring import KeyRing

ALGORITHM = "EdDSA"
MEDIA_TYPE = "at+jwt"  # RFC 9068: so that no token of another purpose passes for an access token
HEADERS = {"alg", "typ", "kid"}
TOKEN_LENGTH_MAXIMUM = 8192
CLOCK_LEEWAY_SECONDS = 5
TOKEN_ID_BYTES = 12
ALWAYS = ("exp", "iat", "iss", "aud", "sub")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of access token: the claims that it has, and those by which others are known, so that no token is of two.

    RFC 8725 (3.12) asks for rules of which no token meets more than one.
    """

    required: tuple[str, ...]
    foreign: tuple[str, ...]


class SignedTokens:
    """Signs and verifies access tokens of one kind."""

    def __init__(self, ring: KeyRing, kind: Kind, *, issuer: str, audience: str) -> None:
        self._ring = ring
        self._kind = kind
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
        return jwt.encode(payload, private_key, algorithm=ALGORITHM, headers={"typ": MEDIA_TYPE, "kid": kid})

    async def verify(self, token: str) -> dict[str, Any] | None:
        """Return what a genuine, current token of the kind says, else None.

        Only our own keys are tried, found by `kid`, and only EdDSA. The header says what ours say and no more: one that
        brings a key along (`jwk`, `jku`, `x5c`, `x5u`) or asks for anything (`crit`) is none of ours.
        """
        try:
            public_key = await self._ring.public_key(_key_id(token))
            if public_key is None:
                return None
            said = jwt.decode(
                token,
                public_key,
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                audience=self.audience,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": [*ALWAYS, *self._kind.required]},
            )
            return None if said.keys() & self._kind.foreign else said
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None


def new_token_id() -> str:
    """Return an id that no other token has."""
    return secrets.token_urlsafe(TOKEN_ID_BYTES)


def _key_id(token: str) -> str:
    """Return which key the token says it is signed with; raises InvalidTokenError if its header is none of ours."""
    if len(token) > TOKEN_LENGTH_MAXIMUM:
        raise jwt.InvalidTokenError
    header = jwt.get_unverified_header(token)
    if header.keys() != HEADERS or header["alg"] != ALGORITHM or header["typ"] != MEDIA_TYPE:
        raise jwt.InvalidTokenError
    return str(header["kid"])
