"""Access tokens: only genuine ones are accepted."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens
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
    """Return the claims of a valid token with these changes; None removes a claim, times are seconds from now."""
    now = datetime.now(UTC)
    valid = {
        "iss": "keyhouse", "aud": "its-api", "sub": "5", "client_id": "session", "sid": 9, "iat": now,
        "exp": now + timedelta(minutes=5),
    }  # fmt: skip
    moments = {name: in_seconds(changes[name]) for name in TIMES & changes.keys() if isinstance(changes[name], int)}
    return {name: value for name, value in {**valid, **changes, **moments}.items() if value is not None}


async def signed(ring, **changes: Any) -> str:
    kid, private = await ring.signing_key()
    return jwt.encode(payload(**changes), private, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": kid})


async def signed_under(ring, header: dict[str, Any], body: dict[str, Any] | None = None) -> str:
    """Return a token with exactly this header and this body, or a valid one, under our own key."""
    _, private = await ring.signing_key()
    return signed_text(private, json.dumps(header), json.dumps(numbers(body or payload())))


def signed_text(private: Ed25519PrivateKey, header: str, body: str) -> str:
    """Return a token of these two texts as they are."""
    signed_part = f"{encoded(header.encode())}.{encoded(body.encode())}"
    return f"{signed_part}.{encoded(private.sign(signed_part.encode()))}"


def numbers(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: int(value.timestamp()) if isinstance(value, datetime) else value for name, value in claims.items()}


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, default=str).encode()).rstrip(b"=").decode()


def in_seconds(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def test_issued_token_is_read_again(tokens):
    assert await tokens.read(await tokens.issue(CLAIMS)) == CLAIMS


async def test_no_two_tokens_are_alike(tokens):
    assert await tokens.issue(CLAIMS) != await tokens.issue(CLAIMS)


async def test_token_signed_by_hand_is_accepted(tokens, ring):
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
        {"secret_id": 3},
        *[{name: None} for name in ("exp", "iat", "iss", "aud", "sub", "sid", "client_id")],
    ],
    ids=repr,
)
async def test_wrong_claims_are_rejected(tokens, ring, changes):
    assert await tokens.read(await signed(ring, **changes)) is None


@pytest.mark.parametrize(("seconds", "accepted"), [(-3, True), (-30, False)])
async def test_clocks_may_differ_by_a_few_seconds(tokens, ring, seconds, accepted):
    token = await signed(ring, exp=seconds)
    assert await tokens.read(token) == (CLAIMS if accepted else None)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_unsigned_token_is_rejected(tokens, ring, alg, signature):
    kid, _ = await ring.signing_key()
    claims = {**payload(), "iat": int(in_seconds(0).timestamp()), "exp": int(in_seconds(300).timestamp())}
    forged = f"{part({'alg': alg, 'typ': 'at+jwt', 'kid': kid})}.{part(claims)}.{signature}"
    assert await tokens.read(forged) is None


async def test_another_key_under_our_kid_is_rejected(tokens, ring):
    kid, _ = await ring.signing_key()
    foreign = Ed25519PrivateKey.generate()
    assert (
        await tokens.read(jwt.encode(payload(), foreign, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": kid}))
        is None
    )


async def test_key_in_the_header_is_not_used(tokens, ring):
    kid, _ = await ring.signing_key()
    foreign = Ed25519PrivateKey.generate()
    public = json.loads(OKPAlgorithm.to_jwk(foreign.public_key()))
    for header in (
        {"jwk": public},
        {"jwk": {**public, "kid": kid}, "kid": kid},
        {"jku": "https://evil.example.com/jwks.json", "kid": kid},
        {"x5u": "https://evil.example.com/cert.pem", "kid": kid},
        {"x5c": ["MIIB"], "kid": kid},
        {"jwk": public, "kid": "\x00"},
    ):
        headers = {"typ": "at+jwt", **header}
        assert await tokens.read(jwt.encode(payload(), foreign, algorithm="EdDSA", headers=headers)) is None


async def test_unknown_header_parameter_is_rejected_even_under_our_key(tokens, ring):
    kid, private = await ring.signing_key()
    ours = {"alg": "EdDSA", "typ": "at+jwt", "kid": kid}
    assert await tokens.read(await signed_under(ring, ours)) == CLAIMS
    public = json.loads(OKPAlgorithm.to_jwk(private.public_key()))
    unknown: list[dict[str, Any]] = [
        {"jwk": public},
        {"jku": "https://keyhouse.example.com/.well-known/jwks.json"},
        {"x5u": "https://keyhouse.example.com/cert.pem"},
        {"x5c": []},
        {"x5t": "AAAA"},
        {"crit": []},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": True},
        {"b64": False},
        {"cty": "JWT"},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"": ""},
    ]
    for more in unknown:
        assert await tokens.read(await signed_under(ring, {**ours, **more})) is None, more


@pytest.mark.parametrize(
    "typ",
    [None, "", "JWT", "jwt", "at+JWT", "application/at+jwt", "id+jwt", "logout+jwt", "dpop+jwt", 5, ["at+jwt"], {}],
)
async def test_token_of_another_type_is_rejected(tokens, ring, typ):
    kid, _ = await ring.signing_key()
    assert await tokens.read(await signed_under(ring, {"alg": "EdDSA", "typ": typ, "kid": kid})) is None


@pytest.mark.parametrize("missing", ["alg", "typ", "kid"])
async def test_incomplete_header_is_rejected(tokens, ring, missing):
    kid, _ = await ring.signing_key()
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": kid}
    assert (
        await tokens.read(await signed_under(ring, {name: header[name] for name in header if name != missing})) is None
    )


@pytest.mark.parametrize(
    "alg", ["Ed25519", "ES256", "RS256", "PS256", "HS256", "HS512", "none", "eddsa", 5, None, ["EdDSA"]]
)
async def test_other_algorithms_are_rejected_even_under_our_key(tokens, ring, alg):
    kid, _ = await ring.signing_key()
    assert await tokens.read(await signed_under(ring, {"alg": alg, "typ": "at+jwt", "kid": kid})) is None


async def test_last_of_a_repeated_claim_counts(tokens, ring):
    kid, private = await ring.signing_key()
    header = json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": kid})
    claims = json.dumps(numbers(payload()))
    for name, value in (("sub", '"1"'), ("aud", '"another"'), ("iss", '"another"'), ("exp", "99999999999")):
        twice = f'{{"{name}": {value}, {claims[1:]}'
        assert await tokens.read(signed_text(private, header, twice)) == CLAIMS, name
    late = claims[:-1] + ', "aud": "another"}'
    assert await tokens.read(signed_text(private, header, late)) is None
    for alg in ('"none"', '"HS256"'):
        assert await tokens.read(signed_text(private, header[:-1] + f', "alg": {alg}}}', claims)) is None


@pytest.mark.parametrize(("filler", "accepted"), [(10, True), (8000, False), (10**6, False)])
async def test_huge_token_is_rejected_undecoded(tokens, ring, filler, accepted):
    token = await signed(ring, filler="x" * filler)
    assert await tokens.read(token) == (CLAIMS if accepted else None)


@pytest.mark.parametrize("kid", [None, "", "unknown", "../../etc/passwd", "' OR 1=1 --", "\x00", "x" * 5000])
async def test_unknown_kid_is_rejected(tokens, ring, kid):
    _, private = await ring.signing_key()
    headers = {"typ": "at+jwt"} if kid is None else {"typ": "at+jwt", "kid": kid}
    assert await tokens.read(jwt.encode(payload(), private, algorithm="EdDSA", headers=headers)) is None


@pytest.mark.parametrize("kid", [5, ["a"], {"a": 1}, None, True])
async def test_kid_of_another_type_is_rejected(tokens, kid):
    assert await tokens.read(f"{part({'alg': 'EdDSA', 'typ': 'at+jwt', 'kid': kid})}.{part(payload())}.AAAA") is None


async def test_tampered_token_is_rejected(tokens):
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
async def test_malformed_token_is_rejected(tokens, text):
    assert await tokens.read(text) is None


async def test_deeply_nested_header_is_rejected(tokens):
    bomb = base64.urlsafe_b64encode(b'{"a":' + b"[" * 200_000).decode()
    assert await tokens.read(f"{bomb}.e30.AAAA") is None


@given(text=st.text(max_size=200))
def test_any_text_is_handled(text):
    tokens = AccessTokens(new_ring(), issuer="keyhouse", audience="its-api")
    assert asyncio.run(tokens.read(text)) is None


async def test_token_of_another_installation_is_rejected(tokens):
    elsewhere = AccessTokens(new_ring(), issuer="keyhouse", audience="its-api")
    assert await tokens.read(await elsewhere.issue(CLAIMS)) is None


async def test_token_that_names_another_client_is_rejected(tokens, ring):
    assert await tokens.read(await signed(ring)) == CLAIMS
    names: list[Any] = ["7", "", 7, False, [], "Session"]
    for client in names:
        assert await tokens.read(await signed(ring, client_id=client)) is None


@pytest.mark.parametrize("header", ['"alg typ kid"', '["alg", "typ", "kid"]', "5", '{"a":' * 60 + "1" + "}" * 60])
async def test_malformed_header_is_rejected(tokens, ring, header):
    _, private = await ring.signing_key()
    assert await tokens.read(signed_text(private, header, "{}")) is None


@pytest.mark.parametrize("body", ["[]", "null", "5", '"text"', "", "{", '["exp", "iat", "iss", "aud", "sub", "sid"]'])
async def test_malformed_claims_are_rejected_even_under_our_key(tokens, ring, body):
    kid, private = await ring.signing_key()
    header = json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": kid})
    assert await tokens.read(signed_text(private, header, body)) is None
