"""ID Tokens (OpenID Connect Core 3.1.3.7): their claims and signatures."""

import time
from collections.abc import Collection, Mapping, Sequence
from secrets import compare_digest
from typing import Any, override

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from apps.identities.domain.provider import InvalidProviderResponse, Provider, StaleAuthentication
from apps.identities.services.claims import expected_issuer
from apps.identities.services.provider_http import json_object

# Signatures that only the provider can make, each with its type of key. HS256 is made with our own secret, and anyone
# can make `none`. `EdDSA` is the older name of `Ed25519` and `Ed448` together (RFC 9864).
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519", "Ed448"), "OKP"),
}
LEEWAY_SECONDS = 60
TOKEN_LENGTH_MAXIMUM = 32 * 1024
KEYS_MAXIMUM = 50
RSA_BITS_MINIMUM = 2048  # RFC 7518, 3.3
type PublicKey = RSAKey | ECKey | OKPKey
type PublicKeys = Sequence[PublicKey]
INVALID_TOKEN_ERRORS = (JoseError, ValueError, KeyError, TypeError, RecursionError)  # deeply nested JSON


class _ProviderAlgorithms(JWSRegistry):
    """Accepts the given algorithms only. joserfc warns of the name EdDSA, which providers still use."""

    @override
    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


class UnknownKey(InvalidProviderResponse):
    """The token names a key that is not among the cached keys of the provider."""


def usable_keys(published: Any) -> PublicKeys:
    """Return the public keys that may verify signatures; raises InvalidProviderResponse when there is none.

    A malformed key is skipped, so that the others can still be used.
    """
    keys = json_object(published, "keys").get("keys")
    if not isinstance(keys, list):
        raise InvalidProviderResponse("keys")
    found = [key for entry in keys[:KEYS_MAXIMUM] if (key := _public_key(entry)) is not None]
    if not found:
        raise InvalidProviderResponse("no usable key")
    return found


def read_id_token(
    token: str, provider: Provider, keys: PublicKeys, announced_algorithms: Collection[str], nonce: str
) -> dict[str, Any]:
    """Return the claims of a valid token for this client and sign-in; raises UnknownKey, InvalidProviderResponse."""
    algorithms = [name for name in ALGORITHMS if name in announced_algorithms]
    if not algorithms:
        raise InvalidProviderResponse("algorithms")
    claims = _signed_claims(token, keys, algorithms)
    _require_for_this_client(claims, provider)
    sent = claims.get("nonce")
    if not nonce or not isinstance(sent, str) or not compare_digest(sent.encode(), nonce.encode()):
        raise InvalidProviderResponse("nonce")
    return claims


def authentication_time(claims: Mapping[str, Any], max_age: int | None) -> int | None:
    """Return when the provider has authenticated the user, in seconds since 1970, or None where it does not say.

    With `max_age`, raises StaleAuthentication unless that was at most so many seconds ago (OpenID Connect Core 3.1.2.1,
    and 3.1.3.7, 13).
    """
    now = int(time.time())
    known = _past_time(claims.get("auth_time"), now)
    if max_age is not None and (known is None or known < now - max_age - LEEWAY_SECONDS):
        raise StaleAuthentication("no auth_time" if known is None else f"{now - known} seconds ago")
    return known


def _past_time(sent: Any, now: int) -> int | None:
    # The comparison refuses NaN too. A time in the future, or in milliseconds, proves nothing.
    if not isinstance(sent, int | float) or isinstance(sent, bool) or not 0 < sent <= now + LEEWAY_SECONDS:
        return None
    return min(int(sent), now)


def _signed_claims(token: str, keys: PublicKeys, algorithms: list[str]) -> dict[str, Any]:
    if len(token) > TOKEN_LENGTH_MAXIMUM:
        raise InvalidProviderResponse("token too long")
    registry = _ProviderAlgorithms(algorithms=algorithms, strict_check_header=False)
    try:
        return jwt.decode(token, lambda guest: _key_of(guest.headers(), keys), algorithms, registry=registry).claims
    except InvalidProviderResponse:
        raise
    except INVALID_TOKEN_ERRORS as error:
        raise InvalidProviderResponse(f"token: {type(error).__name__}") from error


def _key_of(header: Mapping[str, Any], keys: PublicKeys) -> PublicKey:
    """Return the key of the algorithm's type that the token names, or the only one if it names none."""
    kid, key_type = header.get("kid"), ALGORITHMS.get(str(header.get("alg")))
    found = [key for key in keys if key.key_type == key_type and (kid is None or key.kid == kid)]
    if not found:
        raise UnknownKey("kid")
    if len(found) > 1:
        raise InvalidProviderResponse("kid is ambiguous")
    return found[0]


def _require_for_this_client(claims: dict[str, Any], provider: Provider) -> None:
    required = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    registry = JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": expected_issuer(provider, claims)},
        aud={"essential": True, "value": provider.client_id},
        azp={"essential": isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1, "value": provider.client_id},
        **required,  # type: ignore[arg-type]
    )
    try:
        registry.validate(claims)
    except INVALID_TOKEN_ERRORS as error:
        raise InvalidProviderResponse(f"claims: {getattr(error, 'claim', type(error).__name__)}") from error


def _public_key(entry: Any) -> PublicKey | None:
    if not isinstance(entry, dict) or entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(entry)
    except INVALID_TOKEN_ERRORS:
        return None
    if isinstance(key, RSAKey):
        return key if key.public_key.key_size >= RSA_BITS_MINIMUM else None
    return key if isinstance(key, ECKey | OKPKey) else None
