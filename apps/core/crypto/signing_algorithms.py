"""The algorithms that sign tokens. Each has a type of key of its own, so a key states its algorithm.

An Ed25519 key is stored as its 32 bytes, every other one in DER (SubjectPublicKeyInfo, and PKCS #8).
"""

from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from joserfc.jwk import ECKey, OKPKey, RSAKey

type PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
type PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
type JsonWebKey = OKPKey | ECKey | RSAKey

ED25519_BYTES = 32
RSA_BITS = 3072  # 128 bits of security (NIST SP 800-57, part 1, table 2)
RSA_EXPONENT = 65537


class SigningAlgorithm(StrEnum):
    """An algorithm of RFC 7518 or RFC 8037, by its name in a token's header."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    RS256 = "RS256"


def new_private_key(algorithm: SigningAlgorithm) -> PrivateKey:
    """Return a new key for the algorithm. An RSA key takes up to a second of processor time."""
    match algorithm:
        case SigningAlgorithm.EDDSA:
            return Ed25519PrivateKey.generate()
        case SigningAlgorithm.ES256:
            return ec.generate_private_key(ec.SECP256R1())
        case SigningAlgorithm.RS256:
            return rsa.generate_private_key(RSA_EXPONENT, RSA_BITS)


def algorithm_of(key: PrivateKey | PublicKey) -> SigningAlgorithm:
    """Return the one algorithm that the key is for."""
    if isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        return SigningAlgorithm.EDDSA
    is_elliptic = isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey)
    return SigningAlgorithm.ES256 if is_elliptic else SigningAlgorithm.RS256


def json_web_key(key: PrivateKey | PublicKey) -> JsonWebKey:
    """Return the key as joserfc's."""
    kinds: dict[SigningAlgorithm, type[JsonWebKey]] = {
        SigningAlgorithm.EDDSA: OKPKey,
        SigningAlgorithm.ES256: ECKey,
        SigningAlgorithm.RS256: RSAKey,
    }
    return kinds[algorithm_of(key)].import_key(key)  # type: ignore[arg-type]


def public_bytes(key: PublicKey) -> bytes:
    """Return the key as it is stored."""
    if isinstance(key, Ed25519PublicKey):
        return key.public_bytes_raw()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_bytes(key: PrivateKey) -> bytes:
    """Return the key as it is stored, once it is encrypted."""
    if isinstance(key, Ed25519PrivateKey):
        return key.private_bytes_raw()
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load_public(stored: bytes) -> PublicKey:
    """Return the key that `public_bytes` has written; raises ValueError, TypeError."""
    if len(stored) == ED25519_BYTES:
        return Ed25519PublicKey.from_public_bytes(stored)
    key = load_der_public_key(stored)
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise TypeError("no public key of a signing algorithm")
    return key


def load_private(stored: bytes) -> PrivateKey:
    """Return the key that `private_bytes` has written; raises ValueError, TypeError."""
    if len(stored) == ED25519_BYTES:
        return Ed25519PrivateKey.from_private_bytes(stored)
    key = load_der_private_key(stored, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError("no private key of a signing algorithm")
    return key
