"""Access tokens: only genuine ones are believed."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from apps.authentication.services.access_tokens import AccessClaims, AccessTokens
from tests.support.rings import new_ring

pytestmark = pytest.mark.unit

CLAIMS = AccessClaims(user_id=5, session_id=9)
TIMES = {"exp", "iat", "nbf"}


@pytest.fixture
def ring():
    return new_ring()


@pytest.fixture
def tokens(ring) -> AccessTokens:
    return AccessTokens(ring, issuer="keyhouse", audience="its-api")


def payload(**changes: Any) -> dict[str, Any]:
    """Return what a good token says, with these changes; None takes a claim away, times are seconds from now."""
    now = datetime.now(UTC)
    good = {"iss": "keyhouse", "aud": "its-api", "sub": "5", "sid": 9, "iat": now, "exp": now + timedelta(minutes=5)}
    moments = {name: in_seconds(changes[name]) for name in TIMES & changes.keys() if isinstance(changes[name], int)}
    return {name: value for name, value in {**good, **changes, **moments}.items() if value is not None}


async def signed(ring, **changes: Any) -> str:
    kid, private = await ring.signing_key()
    return jwt.encode(payload(**changes), private, algorithm="EdDSA", headers={"kid": kid})


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).rstrip(b"=").decode()


def in_seconds(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_is_read_as_it_was_issued(tokens):
    assert await tokens.read(await tokens.issue(CLAIMS)) == CLAIMS


async def test_says_what_the_contract_says(tokens, ring):
    token = await tokens.issue(CLAIMS)
    kid, private = await ring.signing_key()
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "JWT", "kid": kid}
    said = jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience="its-api", issuer="keyhouse")
    assert (said["sub"], said["sid"], said["exp"] - said["iat"]) == ("5", 9, 900)
    assert set(said) == {"iss", "aud", "sub", "sid", "scope", "iat", "exp", "jti", "amr"}
    assert (len(said["jti"]), said["amr"]) == (16, [])


async def test_says_how_and_when_it_was_proven(tokens, ring):
    proven_at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    token = await tokens.issue(AccessClaims(5, 9, ("pwd", "otp"), proven_at))
    _, private = await ring.signing_key()
    said = jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience="its-api", issuer="keyhouse")
    assert (said["amr"], said["auth_time"]) == (["pwd", "otp"], int(proven_at.timestamp()))


@pytest.mark.parametrize(("scopes", "said"), [((), ""), (("a:b",), "a:b"), (("a:b", "c"), "a:b c")])
async def test_says_the_scopes_as_one_text(tokens, scopes, said):
    token = await tokens.issue(CLAIMS, scopes)
    assert jwt.decode(token, options={"verify_signature": False})["scope"] == said
    assert await tokens.read(token) == CLAIMS


async def test_no_two_are_alike(tokens):
    assert await tokens.issue(CLAIMS) != await tokens.issue(CLAIMS)


async def test_a_token_signed_by_hand_is_good(tokens, ring):
    assert await tokens.read(await signed(ring)) == CLAIMS  # so that what follows fails for its own reason


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": -60},
        {"iat": 3600, "exp": 7200},
        {"nbf": 3600},
        {"iss": "someone else"},
        {"aud": "another api"},
        {"sub": "not a number"},
        {"sid": "nine"},
        {"sid": [9]},
        {"exp": "soon"},
        *[{name: None} for name in ("exp", "iat", "iss", "aud", "sub", "sid")],
    ],
    ids=repr,
)
async def test_claims_that_are_not_believed(tokens, ring, changes):
    assert await tokens.read(await signed(ring, **changes)) is None


@pytest.mark.parametrize(("seconds", "believed"), [(-3, True), (-30, False)])
async def test_clocks_may_differ_by_a_little(tokens, ring, seconds, believed):
    token = await signed(ring, exp=seconds)
    assert await tokens.read(token) == (CLAIMS if believed else None)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_an_unsigned_token_is_not_believed(tokens, ring, alg, signature):
    kid, _ = await ring.signing_key()
    claims = {**payload(), "iat": int(in_seconds(0).timestamp()), "exp": int(in_seconds(300).timestamp())}
    forged = f"{part({'alg': alg, 'typ': 'JWT', 'kid': kid})}.{part(claims)}.{signature}"
    assert await tokens.read(forged) is None


async def test_another_key_under_our_kid_is_not_believed(tokens, ring):
    kid, _ = await ring.signing_key()
    foreign = Ed25519PrivateKey.generate()
    assert await tokens.read(jwt.encode(payload(), foreign, algorithm="EdDSA", headers={"kid": kid})) is None


@pytest.mark.parametrize("encoding", ["raw", "pem"])
async def test_our_public_key_is_no_shared_secret(tokens, ring, encoding):
    kid, private = await ring.signing_key()
    public = private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = public.public_bytes_raw() if encoding == "raw" else pem
    header, body = part({"alg": "HS256", "typ": "JWT", "kid": kid}), part(payload())
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(f"{header}.{body}".encode(), secret)
    forged = f"{header}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert await tokens.read(forged) is None


async def test_a_key_in_the_header_is_not_believed(tokens, ring):
    kid, _ = await ring.signing_key()
    foreign = Ed25519PrivateKey.generate()
    public = json.loads(OKPAlgorithm.to_jwk(foreign.public_key()))
    for header in (
        {"jwk": public},
        {"jwk": {**public, "kid": kid}, "kid": kid},
        {"jku": "https://evil.example.com/jwks.json", "kid": kid},
        {"x5u": "https://evil.example.com/cert.pem", "kid": kid},
    ):
        assert await tokens.read(jwt.encode(payload(), foreign, algorithm="EdDSA", headers=header)) is None


@pytest.mark.parametrize("kid", [None, "", "unknown", "../../etc/passwd", "' OR 1=1 --", "\x00", "x" * 5000])
async def test_an_unknown_kid_is_not_believed(tokens, ring, kid):
    _, private = await ring.signing_key()
    headers = {} if kid is None else {"kid": kid}
    assert await tokens.read(jwt.encode(payload(), private, algorithm="EdDSA", headers=headers)) is None


@pytest.mark.parametrize("kid", [5, ["a"], {"a": 1}, None, True])
async def test_a_kid_that_is_no_text_is_not_believed(tokens, kid):
    assert await tokens.read(f"{part({'alg': 'EdDSA', 'kid': kid})}.{part(payload())}.AAAA") is None


async def test_a_tampered_token_is_not_believed(tokens):
    header, body, signature = (await tokens.issue(CLAIMS)).split(".")
    other = part({**payload(), "sub": "1"})
    for forged in (
        f"{header}.{other}.{signature}",
        f"{header}.{body}.{signature[::-1]}",
        f"{header}.{body}.",
        f"{header}.{body}",
        f"{header}.{body}.{signature}.{signature}",
        f"{header}.{body}.{signature[:-10]}",
        f"{header[:-2]}.{body}.{signature}",
        f" {header}.{body}.{signature} .",
    ):
        assert await tokens.read(forged) is None


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b.c", "null", "é.é.é", part([1]) + ".e30.AA", "[" * 50_000, part("x") + "." * 10],
    ids=lambda text: f"{text[:8]} {len(text)}",
)
async def test_is_no_token(tokens, text):
    assert await tokens.read(text) is None


async def test_a_deeply_nested_header_does_no_harm(tokens):
    bomb = base64.urlsafe_b64encode(b'{"a":' + b"[" * 200_000).decode()
    assert await tokens.read(f"{bomb}.e30.AAAA") is None


@given(text=st.text(max_size=200))
def test_any_text_can_be_read(text):
    tokens = AccessTokens(new_ring(), issuer="keyhouse", audience="its-api")
    assert asyncio.run(tokens.read(text)) is None


async def test_a_token_of_another_installation_is_not_believed(tokens):
    elsewhere = AccessTokens(new_ring(), issuer="keyhouse", audience="its-api")
    assert await tokens.read(await elsewhere.issue(CLAIMS)) is None


@pytest.mark.parametrize("typ", ["at+jwt", "jwt", "JWT ", "", "logout+jwt", 5, None])
async def test_a_token_of_another_type_is_not_believed(tokens, ring, typ):
    kid, private = await ring.signing_key()
    forged = jwt.encode(payload(), private, algorithm="EdDSA", headers={"kid": kid, "typ": typ})
    assert await tokens.read(forged) is None
