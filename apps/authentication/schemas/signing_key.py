"""Signing keys and the published key set."""

from typing import Annotated, Literal

from pydantic import Field

from apps.core.crypto.signing_algorithms import SigningAlgorithm
from apps.core.schemas.base import ResponseSchema


class SigningKeyOut(ResponseSchema):
    """The key that signs after `notice_seconds`; the keys before it verify for `overlap_seconds` more."""

    kid: str
    algorithm: SigningAlgorithm
    notice_seconds: int
    overlap_seconds: int


class EllipticCurveKey(ResponseSchema):
    """A P-256 public key as a JSON Web Key (RFC 7518, 6.2)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    use: Literal["sig"]
    alg: Literal["ES256"]
    kid: str
    x: str
    y: str


class RsaKey(ResponseSchema):
    """An RSA public key as a JSON Web Key (RFC 7518, 6.3)."""

    kty: Literal["RSA"]
    use: Literal["sig"]
    alg: Literal["RS256"]
    kid: str
    n: str
    e: str


class EdwardsCurveKey(ResponseSchema):
    """An Ed25519 public key as a JSON Web Key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    use: Literal["sig"]
    alg: Literal["EdDSA"]
    kid: str
    x: str


class KeySet(ResponseSchema):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[Annotated[EdwardsCurveKey | EllipticCurveKey | RsaKey, Field(discriminator="kty")]]
