"""ID Tokens (OpenID Connect Core 3.1.3.7): their claims and signatures."""

from collections.abc import Collection, Mapping, Sequence
from secrets import compare_digest
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from apps.identities.domain.provider import InvalidProviderResponse, Provider
from apps.identities.services.claims import expected_issuer
from apps.identities.services.provider_http import json_object

# Signatures that only the provider can make. HS256 is made with our own secret, and anyone can make `none`.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
LEEWAY_SECONDS = 60
TOKEN_LENGTH_MAXIMUM = 32 * 1024
KEYS_MAXIMUM = 50
KEY_TYPES = ("RSA", "EC", "OKP")  # the asymmetric ones
type PublicKey = RSAKey | ECKey | OKPKey
type PublicKeys = Sequence[PublicKey]
INVALID_TOKEN_ERRORS = (JoseError, ValueError, KeyError, TypeError)


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
    if not algorithms:  # joserfc would accept its default ones, HS256 among them
        raise InvalidProviderResponse("algorithms")
    claims = _signed_claims(token, keys, algorithms)
    _require_for_this_client(claims, provider)
    sent = claims.get("nonce")
    if not nonce or not isinstance(sent, str) or not compare_digest(sent.encode(), nonce.encode()):
        raise InvalidProviderResponse("nonce")
    return claims


def _signed_claims(token: str, keys: PublicKeys, algorithms: list[str]) -> dict[str, Any]:
    if len(token) > TOKEN_LENGTH_MAXIMUM:
        raise InvalidProviderResponse("token too long")
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        return jwt.decode(token, lambda guest: _key_of(guest.headers(), keys), algorithms, registry=registry).claims
    except InvalidProviderResponse:
        raise
    except INVALID_TOKEN_ERRORS as error:
        raise InvalidProviderResponse(f"token: {type(error).__name__}") from error


def _key_of(header: Mapping[str, Any], keys: PublicKeys) -> PublicKey:
    """Return the key that the token names, or the only key if it names none."""
    kid = header.get("kid")
    found = [key for key in keys if kid is None or key.kid == kid]
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
    if not isinstance(entry, dict) or entry.get("kty") not in KEY_TYPES or entry.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(entry)
    except INVALID_TOKEN_ERRORS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
