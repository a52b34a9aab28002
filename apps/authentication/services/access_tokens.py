"""Access tokens: EdDSA-signed JWTs (RFC 7519, RFC 8725) that other services may verify offline."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from apps.authentication.services.key_ring import KeyRing

ALGORITHM = "EdDSA"
MEDIA_TYPE = "at+jwt"  # RFC 9068: so that no token of another purpose passes for an access token
HEADERS = {"alg", "typ", "kid"}
TOKEN_LENGTH_MAXIMUM = 8192
ACCESS_TOKEN_SECONDS = 15 * 60
CLOCK_LEEWAY_SECONDS = 5
TOKEN_ID_BYTES = 12
REQUIRED_CLAIMS = ["exp", "iat", "iss", "aud", "sub", "sid"]


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
        self._ring = ring
        self._issuer = issuer
        self._audience = audience

    async def issue(self, claims: AccessClaims, scopes: Iterable[str] = ()) -> str:
        """Return a signed token that ends in ACCESS_TOKEN_SECONDS.

        `scopes` are for those who verify it offline (RFC 9068); Keyhouse asks the database what the caller may.
        """
        kid, private_key = await self._ring.signing_key()
        now = datetime.now(UTC)
        payload = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(claims.user_id),
            "sid": claims.session_id,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + timedelta(seconds=ACCESS_TOKEN_SECONDS),
            "jti": secrets.token_urlsafe(TOKEN_ID_BYTES),
            "amr": list(claims.methods),
        }
        if claims.authenticated_at:
            payload["auth_time"] = int(claims.authenticated_at.timestamp())
        return jwt.encode(payload, private_key, algorithm=ALGORITHM, headers={"typ": MEDIA_TYPE, "kid": kid})

    async def read(self, token: str) -> AccessClaims | None:
        """Return what a genuine, current token says, else None.

        Only our own keys are tried, found by `kid`, and only EdDSA. The header says what ours say and no more: one that
        brings a key along (`jwk`, `jku`, `x5c`, `x5u`) or asks for anything (`crit`) is none of ours.
        """
        try:
            public_key = await self._ring.public_key(_key_id(token))
            if public_key is None:
                return None
            payload = jwt.decode(
                token,
                public_key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": REQUIRED_CLAIMS},
            )
            return AccessClaims(user_id=int(payload["sub"]), session_id=int(payload["sid"]))
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None


def _key_id(token: str) -> str:
    """Return which key the token says it is signed with; raises InvalidTokenError if its header is none of ours."""
    if len(token) > TOKEN_LENGTH_MAXIMUM:
        raise jwt.InvalidTokenError
    header = jwt.get_unverified_header(token)
    if header.keys() != HEADERS or header["alg"] != ALGORITHM or header["typ"] != MEDIA_TYPE:
        raise jwt.InvalidTokenError
    return str(header["kid"])
