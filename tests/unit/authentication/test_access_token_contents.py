"""What an access token says, to those who verify it offline."""

from datetime import UTC, datetime

import jwt
import pytest

from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens
from tests.support.rings import new_ring

pytestmark = pytest.mark.unit

CLAIMS = AccessClaims(user_id=5, session_id=9)


@pytest.fixture
def ring():
    return new_ring()


@pytest.fixture
def tokens(ring) -> AccessTokens:
    return AccessTokens(ring, issuer="keyhouse", audience="its-api")


async def test_token_has_the_documented_claims(tokens, ring):
    token = await tokens.issue(CLAIMS)
    kid, private = await ring.signing_key()
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": kid}
    claims = jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience="its-api", issuer="keyhouse")
    assert (claims["sub"], claims["sid"], claims["exp"] - claims["iat"]) == ("5", 9, 900)
    assert set(claims) == {"iss", "aud", "sub", "client_id", "sid", "scope", "iat", "exp", "jti", "amr"}
    assert (claims["client_id"], len(claims["jti"]), claims["amr"]) == ("session", 16, [])


async def test_token_names_methods_and_time_of_authentication(tokens, ring):
    proven_at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    token = await tokens.issue(AccessClaims(5, 9, ("pwd", "otp"), proven_at))
    _, private = await ring.signing_key()
    claims = jwt.decode(token, private.public_key(), algorithms=["EdDSA"], audience="its-api", issuer="keyhouse")
    assert (claims["amr"], claims["auth_time"]) == (["pwd", "otp"], int(proven_at.timestamp()))


@pytest.mark.parametrize(("scopes", "expected"), [((), ""), (("a:b",), "a:b"), (("a:b", "c"), "a:b c")])
async def test_token_lists_scopes_as_one_text(tokens, scopes, expected):
    token = await tokens.issue(CLAIMS, scopes)
    assert jwt.decode(token, options={"verify_signature": False})["scope"] == expected
    assert await tokens.read(token) == CLAIMS
