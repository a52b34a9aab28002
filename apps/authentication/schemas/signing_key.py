"""Signing keys and the published key set."""

from typing import Literal

from apps.core.schemas.base import ResponseSchema


class SigningKeyOut(ResponseSchema):
    """The key that signs after `notice_seconds`; the keys before it verify for `overlap_seconds` more."""

    kid: str
    notice_seconds: int
    overlap_seconds: int


class PublicKey(ResponseSchema):
    """An Ed25519 public key as a JSON Web Key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    use: Literal["sig"]
    alg: Literal["EdDSA"]
    kid: str
    x: str


class KeySet(ResponseSchema):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[PublicKey]
