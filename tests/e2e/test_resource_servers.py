"""Independent libraries of resource servers verify tokens offline, from the issuer alone, for each algorithm."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import pytest
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet

from tests.support.people import sign_up
from tests.support.server import Server, separate_database, start_server

pytestmark = pytest.mark.e2e

RESOURCE = "https://images.example.com"


class ResourceServer(JWTBearerTokenValidator):  # type: ignore[misc]
    """Authlib's validator of RFC 9068, which accepts the algorithms that joserfc recommends: ES256 and RS256."""

    def get_jwks(self) -> Any:
        """Return the key set that the metadata names."""
        metadata = httpx.get(f"{self.issuer}/.well-known/openid-configuration").json()
        return KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())

    def claims_of(self, token: str) -> Any:
        """Return the claims of a valid token for this resource server; raises InvalidTokenError."""
        claims = self.authenticate_token(token)
        self.validate_token(claims, [], None)
        return claims


def read_by_pyjwt(issuer: str, token: str, audience: str) -> dict[str, Any]:
    """Return the claims of a token for this audience, by PyJWT, which reads the algorithms from the metadata."""
    metadata = httpx.get(f"{issuer}/.well-known/openid-configuration").json()
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token, key, metadata["id_token_signing_alg_values_supported"], audience=audience, issuer=metadata["issuer"]
    )
    return claims


@dataclass(frozen=True)
class Signing:
    """A server that signs by this algorithm."""

    algorithm: str
    server: Server


@pytest.fixture(scope="module", params=["EdDSA", "ES256", "RS256"])
def signing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signing]:
    settings = {"TOKEN_SIGNING_ALGORITHM": request.param, "TOKEN_RESOURCES": RESOURCE}
    name = f"keyhouse_algorithms_{os.getpid()}"
    with (
        separate_database(os.environ["DATABASE_URL"], name) as url,
        start_server(url, tmp_path_factory.mktemp("server"), **settings) as server,
    ):
        yield Signing(request.param, server)
        assert server.stop() == 0
        assert "Traceback" not in server.errors


def test_tokens_of_sessions_and_of_keys_are_verified_offline(signing: Signing):
    issuer = signing.server.url
    with signing.server.client() as client:
        person = sign_up(client)
        of_session = person.headers["Authorization"].removeprefix("Bearer ")
        key = person.create_key(scopes=["images:read"])
        form = {"grant_type": "client_credentials", "resource": RESOURCE}
        answer = client.post("/api/v1/oauth/token", data=form, auth=(str(key["id"]), key["api_key"]))
        of_key = answer.json()["access_token"]
    for token, audience, client_id in ((of_session, "keyhouse", "session"), (of_key, RESOURCE, str(key["id"]))):
        assert jwt.get_unverified_header(token)["alg"] == signing.algorithm
        claims = read_by_pyjwt(issuer, token, audience)
        assert (claims["sub"], claims["client_id"]) == (str(person.id), client_id)
        if signing.algorithm != "EdDSA":
            assert ResourceServer(issuer, audience).claims_of(token) == claims
    assert {"auth_time", "amr"} <= read_by_pyjwt(issuer, of_session, "keyhouse").keys()
    assert not {"auth_time", "amr"} & read_by_pyjwt(issuer, of_key, RESOURCE).keys()


def test_a_token_for_another_audience_is_refused(signing: Signing):
    with signing.server.client() as client:
        token = sign_up(client).headers["Authorization"].removeprefix("Bearer ")
    with pytest.raises(jwt.InvalidAudienceError):
        read_by_pyjwt(signing.server.url, token, RESOURCE)
    if signing.algorithm != "EdDSA":
        with pytest.raises(InvalidTokenError):
            ResourceServer(signing.server.url, RESOURCE).claims_of(token)
