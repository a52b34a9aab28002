"""Access tokens: JWTs signed with Keyhouse's keys. Other services verify them offline (RFC 7519, 8725, 9068)."""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any, override

from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import CompactSignature, JWSRegistry
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from apps.authentication.domain.refresh_token import RefreshToken
from apps.authentication.domain.session_rules import principal_of
from apps.authentication.models import Session
from apps.authentication.schemas.login import TokenPair
from apps.authentication.services.signing_keys import KeyRing
from apps.core.crypto.signing_algorithms import PublicKey, SigningAlgorithm, algorithm_of, json_web_key
from apps.core.values.api_contract import ACCESS_TOKEN_SECONDS

ALGORITHMS = frozenset(SigningAlgorithm)
MEDIA_TYPE = "at+jwt"  # RFC 9068: a token of another purpose is not accepted as an access token
HEADERS = {"alg", "typ", "kid"}
TOKEN_LENGTH_MAXIMUM = 8192
CLOCK_LEEWAY_SECONDS = 5
TOKEN_ID_BYTES = 12
REQUIRED_CLAIMS = ("exp", "iat", "sub")
# RFC 9068 (2.2) requires a client. Sessions have one for all: the applications that people sign in with.
SESSION_CLIENT_ID = "session"


@dataclass(frozen=True, slots=True)
class TokenKind:
    """A kind of access token: its `required` claims, and the `foreign` claims of other kinds, which it must not have.

    RFC 8725 (3.12) requires rules for each kind that no token of another kind meets. `client_id` is that of all tokens
    of the kind, if it is the same.
    """

    required: tuple[str, ...]
    foreign: tuple[str, ...]
    client_id: str | None = None


class _OwnAlgorithms(JWSRegistry):
    """Accepts Keyhouse's own algorithms only. joserfc warns of the name EdDSA, which RFC 9864 deprecates."""

    @override
    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


REGISTRY = _OwnAlgorithms()


class SignedTokens:
    """Signs and verifies access tokens of one kind, for Keyhouse's own `audience` and for other `resources`."""

    def __init__(
        self, ring: KeyRing, kind: TokenKind, *, issuer: str, audience: str, resources: Collection[str] = ()
    ) -> None:
        self._ring = ring
        self._kind = kind
        self.issuer = issuer
        self.audience = audience
        present: ClaimsOption = {"essential": True, "allow_blank": True}
        options = dict.fromkeys((*REQUIRED_CLAIMS, *kind.required), present)
        options["iss"] = {"essential": True, "value": issuer}
        options["aud"] = {"essential": True, "values": [audience, *resources]}
        if kind.client_id is not None:
            options["client_id"] = {"essential": True, "value": kind.client_id}
        self._claims = JWTClaimsRegistry(leeway=CLOCK_LEEWAY_SECONDS, **options)  # type: ignore[arg-type]

    async def sign(self, claims: Mapping[str, Any], ttl_seconds: int) -> str:
        """Return a token with these claims, which is valid for `ttl_seconds` from now.

        It gets the issuer, and an audience and an id unless the claims have them.
        """
        kid, private_key = await self._ring.signing_key()
        now = int(time())
        whole = {
            "iss": self.issuer,
            "aud": self.audience,
            "iat": now,
            "exp": now + ttl_seconds,
            "jti": new_token_id(),
            **claims,
        }
        header = {"alg": algorithm_of(private_key), "typ": MEDIA_TYPE, "kid": kid}
        return jwt.encode(header, whole, json_web_key(private_key), registry=REGISTRY)

    async def verify(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a valid token of the kind, otherwise None.

        Only Keyhouse's own keys are tried, by `kid`, each with its own algorithm. The header must have exactly the
        fields of issued tokens: one with a key (`jwk`, `jku`, `x5c`, `x5u`) or with extensions (`crit`) is refused.
        """
        try:
            unverified = _parsed(token)
            public_key = await self._ring.public_key(unverified.headers()["kid"])
            if public_key is None or not _is_signed_by(public_key, unverified):
                return None
            claims: dict[str, Any] = json.loads(unverified.payload)
            self._claims.validate(claims)
        # AttributeError: the JSON is not an object. RecursionError: it is nested too deeply; anyone can write a header.
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
            return None
        return None if claims.keys() & self._kind.foreign else claims


def new_token_id() -> str:
    """Return a new random id for a token."""
    return secrets.token_urlsafe(TOKEN_ID_BYTES)


def _parsed(token: str) -> CompactSignature:
    """Return the parts of the token, unverified; raises ValueError unless its header has the issued fields."""
    if len(token) > TOKEN_LENGTH_MAXIMUM:
        raise ValueError("too long")
    parsed = jws.extract_compact(token.encode("ascii"), registry=REGISTRY)
    header = parsed.headers()
    if header.keys() != HEADERS or header["typ"] != MEDIA_TYPE:
        raise ValueError("the header has other fields")
    if not isinstance(header["kid"], str):
        raise TypeError("kid")
    return parsed


def _is_signed_by(key: PublicKey, unverified: CompactSignature) -> bool:
    if unverified.headers()["alg"] != algorithm_of(key):
        return False
    return jws.validate_compact(unverified, json_web_key(key), registry=REGISTRY)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of a session's access token: its account, its session, and how and when the owner authenticated."""

    user_id: int
    session_id: int
    methods: tuple[str, ...] = ()
    authenticated_at: datetime | None = None


class AccessTokens:
    """Issues and reads the access tokens of sessions."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        kind = TokenKind(required=("sid",), foreign=("secret_id",), client_id=SESSION_CLIENT_ID)
        self._tokens = SignedTokens(ring, kind, issuer=issuer, audience=audience)

    async def pair_of(self, session: Session, family: bytes) -> TokenPair:
        """Return a new access token and the refresh token of the session's current generation.

        The session must be loaded with its user, the roles and their scopes.
        """
        claims = AccessClaims(session.user_id, session.pk, tuple(session.methods), session.authenticated_at)
        access_token = await self.issue(claims, principal_of(session).reserved_scopes)
        refresh_token = RefreshToken(family, session.generation).encode()
        return TokenPair(access_token=access_token, refresh_token=refresh_token, expires_in=ACCESS_TOKEN_SECONDS)

    async def issue(self, claims: AccessClaims, scopes: Iterable[str] = ()) -> str:
        """Return a signed token that is valid for ACCESS_TOKEN_SECONDS.

        `scopes` are for services that verify it offline (RFC 9068); Keyhouse itself reads rights from the database.
        """
        values: dict[str, Any] = {
            "sub": str(claims.user_id),
            "client_id": SESSION_CLIENT_ID,
            "sid": claims.session_id,
            "scope": " ".join(scopes),
            "amr": list(claims.methods),
        }
        if claims.authenticated_at:
            values["auth_time"] = int(claims.authenticated_at.timestamp())
        return await self._tokens.sign(values, ACCESS_TOKEN_SECONDS)

    async def read(self, token: str) -> AccessClaims | None:
        """Return the account and the session of a valid token, otherwise None."""
        claims = await self.verify(token)
        try:
            return AccessClaims(user_id=int(claims["sub"]), session_id=int(claims["sid"])) if claims else None
        except (ValueError, TypeError):
            return None

    async def verify(self, token: str) -> dict[str, Any] | None:
        """Return all claims of a valid token, otherwise None."""
        return await self._tokens.verify(token)
