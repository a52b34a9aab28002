"""Tokens that are issued for API keys: their claims, and which tokens are accepted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from apps.api_keys.services.key_secrets import KeySecret
from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens, SignedTokens
from apps.authentication.services.signing_keys import KeyRing
from apps.oauth.services.client_tokens import CLIENT_TOKEN_KIND, ClientTokens
from tests.support.rings import new_ring

pytestmark = pytest.mark.unit

ISSUER, AUDIENCE = "https://keys.example.com", "its-api"
SECRET = KeySecret(3, 7, 5, "prefix", b"")


@pytest.fixture
def ring() -> KeyRing:
    return new_ring()


@pytest.fixture
def tokens(ring: KeyRing) -> ClientTokens:
    return ClientTokens(SignedTokens(ring, CLIENT_TOKEN_KIND, issuer=ISSUER, audience=AUDIENCE))


async def signed(ring: KeyRing, **changes: Any) -> str:
    """Return a signed token with these claims; None removes a claim, and a timedelta counts from now."""
    now = datetime.now(UTC)
    valid = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "5", "client_id": "7", "secret_id": 3, "scope": "a:b", "jti": "x",
        "iat": now, "exp": now + timedelta(minutes=5),
    }  # fmt: skip
    moments = {name: now + value for name, value in changes.items() if isinstance(value, timedelta)}
    claims = {name: value for name, value in {**valid, **changes, **moments}.items() if value is not None}
    kid, private = await ring.signing_key()
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": kid})


async def test_token_has_the_claims_of_rfc_9068(tokens: ClientTokens, ring: KeyRing):
    token, token_id = await tokens.issue(5, SECRET, ["a:b", "c"])
    kid, private = await ring.signing_key()
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": kid}
    claims = jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)
    assert claims.pop("exp") - claims.pop("iat") == 900
    assert claims == {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "5", "client_id": "7", "secret_id": 3, "scope": "a:b c",
        "jti": token_id,
    }  # fmt: skip


async def test_issued_token_is_read(tokens: ClientTokens):
    token, token_id = await tokens.issue(5, SECRET, ["a:b", "c"])
    claims = await tokens.read(token)
    assert claims is not None
    assert (claims.user_id, claims.key_id, claims.secret_id, claims.token_id) == (5, 7, 3, token_id)
    assert claims.scopes == ("a:b", "c")
    assert claims.expires_at - claims.issued_at == timedelta(minutes=15)


async def test_token_is_for_keyhouse_unless_another_audience_is_requested(ring: KeyRing):
    other = "https://images.example.com"
    signed_tokens = SignedTokens(ring, CLIENT_TOKEN_KIND, issuer=ISSUER, audience=AUDIENCE, resources=[other])
    tokens = ClientTokens(signed_tokens)
    for requested, audience in ((None, AUDIENCE), (other, other)):
        claims = await tokens.read((await tokens.issue(5, SECRET, [], requested))[0])
        assert claims is not None
        assert claims.audience == audience
    unknown, _ = await tokens.issue(5, SECRET, [], "https://elsewhere.example.com")
    assert await tokens.read(unknown) is None


async def test_token_ids_are_unique(tokens: ClientTokens):
    assert len({(await tokens.issue(5, SECRET, []))[1] for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": 9},
        {"sid": ""},
        {"iss": "https://elsewhere.example.com"},
        {"iss": f"{ISSUER}/"},
        {"aud": "elsewhere"},
        {"exp": timedelta(minutes=-1)},
        {"iat": timedelta(minutes=1)},
        {"nbf": timedelta(minutes=1)},
        {"sub": "me"},
        {"client_id": "x"},
        {"client_id": []},
        {"secret_id": "x"},
        {"scope": 5},
        {"scope": ["a:b"]},
        *[{name: None} for name in ("iss", "aud", "sub", "client_id", "secret_id", "scope", "jti", "iat", "exp")],
    ],
    ids=repr,
)
async def test_invalid_claims_are_rejected(tokens: ClientTokens, ring: KeyRing, changes: dict[str, Any]):
    assert await tokens.read(await signed(ring)) is not None
    assert await tokens.read(await signed(ring, **changes)) is None


async def test_session_and_client_tokens_are_not_interchangeable(tokens: ClientTokens, ring: KeyRing):
    sessions = AccessTokens(ring, issuer=ISSUER, audience=AUDIENCE)
    of_session, (of_client, _) = await sessions.issue(AccessClaims(5, 9)), await tokens.issue(5, SECRET, [])
    assert await sessions.read(of_session) is not None
    assert (await tokens.read(of_session), await sessions.read(of_client)) == (None, None)
