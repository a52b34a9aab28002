"""Each algorithm signs tokens by its own type of key, and verifies by no other."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens
from apps.core.crypto.signing_algorithms import (
    SigningAlgorithm,
    algorithm_of,
    load_private,
    load_public,
    new_private_key,
    private_bytes,
    public_bytes,
)
from tests.support.rings import new_ring

pytestmark = pytest.mark.unit

CLAIMS = AccessClaims(user_id=5, session_id=9)
EACH_ALGORITHM = pytest.mark.parametrize("algorithm", SigningAlgorithm)


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def under(token: str, alg: str) -> str:
    """Return the token with another algorithm in its header, and the same claims and signature."""
    header, claims, signature = token.split(".")
    changed = {**json.loads(base64.urlsafe_b64decode(header + "==")), "alg": alg}
    return f"{encoded(json.dumps(changed).encode())}.{claims}.{signature}"


def forged(token: str, alg: str, secret: bytes) -> str:
    """Return the token with another algorithm, signed with a shared secret."""
    signed, _, _ = under(token, alg).rpartition(".")
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


@EACH_ALGORITHM
async def test_token_is_signed_by_the_algorithm_of_its_key(algorithm: SigningAlgorithm):
    ring = new_ring(algorithm=algorithm)
    tokens = AccessTokens(ring, issuer="keyhouse", audience="its-api")
    token = await tokens.issue(CLAIMS)
    kid, private = await ring.signing_key()
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "typ": "at+jwt", "kid": kid}
    assert jwt.decode(token, private.public_key(), algorithms=[algorithm], audience="its-api")["sid"] == 9
    assert await tokens.read(token) == CLAIMS
    for other in {*SigningAlgorithm, "Ed25519", "HS256", "PS256", "RS512", "ES384", "none"} - {algorithm}:
        assert await tokens.read(under(token, other)) is None, other


@EACH_ALGORITHM
async def test_public_key_is_not_accepted_as_a_shared_secret(algorithm: SigningAlgorithm):
    ring = new_ring(algorithm=algorithm)
    tokens = AccessTokens(ring, issuer="keyhouse", audience="its-api")
    token, (_, private) = await tokens.issue(CLAIMS), await ring.signing_key()
    public = private.public_key()
    spellings = [public.public_bytes(each, PublicFormat.SubjectPublicKeyInfo) for each in (Encoding.PEM, Encoding.DER)]
    for secret in (*spellings, public_bytes(public)):
        assert await tokens.read(forged(token, "HS256", secret)) is None


@pytest.mark.parametrize(("signs", "claims"), [("PS256", "RS256"), ("RS512", "RS256")])
async def test_other_signature_of_an_rsa_key_is_refused(signs: str, claims: str):
    ring = new_ring(algorithm=SigningAlgorithm.RS256)
    tokens = AccessTokens(ring, issuer="keyhouse", audience="its-api")
    kid, private = await ring.signing_key()
    valid = jwt.decode(await tokens.issue(CLAIMS), options={"verify_signature": False})
    signed = jwt.encode(valid, private, algorithm=signs, headers={"typ": "at+jwt", "kid": kid})
    assert [await tokens.read(each) for each in (signed, under(signed, claims))] == [None, None]


@EACH_ALGORITHM
def test_stored_key_is_loaded_again(algorithm: SigningAlgorithm):
    private: Any = new_private_key(algorithm)
    assert algorithm_of(private) == algorithm_of(private.public_key()) == algorithm
    assert private_bytes(load_private(private_bytes(private))) == private_bytes(private)
    assert load_public(public_bytes(private.public_key())) == private.public_key()


def test_keys_have_128_bits_of_security():
    curve, modulus = new_private_key(SigningAlgorithm.ES256), new_private_key(SigningAlgorithm.RS256)
    assert isinstance(curve, ec.EllipticCurvePrivateKey)
    assert isinstance(modulus, rsa.RSAPrivateKey)
    assert (curve.curve.name, modulus.key_size) == ("secp256r1", 3072)


@pytest.mark.parametrize("stored", [b"", b"x" * 31, b"x" * 33])
def test_malformed_key_is_refused(stored: bytes):
    for load in (load_public, load_private):
        with pytest.raises(ValueError, match=r".+"):
            load(stored)
