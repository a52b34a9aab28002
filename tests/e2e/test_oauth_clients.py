"""Independent client libraries: a key is exchanged, and its token is verified offline, introspected and revoked."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.node_packages import installed, run
from tests.support.people import Person
from tests.support.server import PROJECT, Server

pytestmark = pytest.mark.e2e

SCOPES = ["reports:read", "reports:write", "account:read"]
REQUESTED = "reports:read account:read"
METHODS = ["client_secret_basic", "client_secret_post"]
EACH_METHOD = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def javascript() -> Path:
    """The JavaScript client with its libraries installed."""
    return installed(PROJECT / "tests" / "support" / "oauth_client")


@pytest.fixture
def key(person: Person) -> dict[str, Any]:
    """A customer's key with scopes of the customer's own."""
    return person.create_key(scopes=SCOPES)


def session_of(metadata: dict[str, Any], key: dict[str, Any], method: str, **changed: Any) -> OAuth2Session:
    return OAuth2Session(
        **{"client_id": str(key["id"]), "client_secret": key["api_key"], "scope": REQUESTED, **changed},
        token_endpoint=metadata["token_endpoint"],
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )


# RFC 9864 renames the algorithm to Ed25519, which fewer libraries know yet.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
@EACH_METHOD
def test_authlib_exchanges_a_key_and_joserfc_verifies_the_token_offline(
    server: Server, client: httpx.Client, person: Person, key: dict[str, Any], method: str
):
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    with session_of(metadata, key, method) as service:
        granted = service.fetch_token()
        assert (granted["token_type"], granted["expires_in"], granted["scope"]) == ("Bearer", 900, REQUESTED)
        published = KeySet.import_key_set(client.get(metadata["jwks_uri"]).json())
        token = jwt.decode(granted["access_token"], published, algorithms=["EdDSA"])
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": metadata["issuer"]}, aud={"essential": True, "value": "keyhouse"}
        ).validate(token.claims)
        assert (token.header["typ"], token.claims["sub"]) == ("at+jwt", str(person.id))
        me = f"{server.url}/api/v1/users/me"
        # Authlib sends the token as a bearer token.
        assert service.get(me).json()["id"] == person.id
        described = service.introspect_token(metadata["introspection_endpoint"], granted["access_token"]).json()
        assert (described["active"], described["client_id"], described["jti"]) == (
            True,
            str(key["id"]),
            token.claims["jti"],
        )
        revoked = service.revoke_token(metadata["revocation_endpoint"], granted["access_token"])
        assert (revoked.status_code, revoked.content) == (200, b"")
        described = service.introspect_token(metadata["introspection_endpoint"], granted["access_token"]).json()
        assert described == {"active": False}
        assert service.get(me).status_code == 401


@EACH_METHOD
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_secret": "x"}, "invalid_client"),
        ({"client_id": "0"}, "invalid_client"),
        ({"scope": "other:scope"}, "invalid_scope"),
    ],
)
def test_authlib_reads_each_error(
    client: httpx.Client, key: dict[str, Any], method: str, changed: dict[str, str], error: str
):
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    with session_of(metadata, key, method, **changed) as service, pytest.raises(OAuthError) as refused:
        service.fetch_token()
    assert refused.value.error == error


@EACH_METHOD
def test_openid_client_uses_the_metadata_and_jose_verifies_the_token_offline(
    server: Server, javascript: Path, person: Person, key: dict[str, Any], method: str
):
    query = {
        "issuer": server.url, "clientId": str(key["id"]), "clientSecret": key["api_key"], "method": method,
        "scope": "reports:read", "audience": "keyhouse",
    }  # fmt: skip
    seen = json.loads(run(javascript / "client.mjs", json.dumps(query)))
    assert (seen["granted"]["token_type"], seen["granted"]["expires_in"]) == ("bearer", 900)
    believed = seen["believed"]
    assert set(believed["header"]) == {"alg", "typ", "kid"}
    assert believed["claims"] == believed["payload"]
    claims = believed["claims"]
    assert (claims["iss"], claims["sub"], claims["client_id"]) == (server.url, str(person.id), str(key["id"]))
    assert claims["scope"] == "reports:read"
    assert (seen["before"]["active"], seen["before"]["jti"]) == (True, claims["jti"])
    assert seen["after"] == {"active": False}
    refused = seen["refused"]
    assert (refused["secret"]["name"], refused["secret"]["status"]) == ("WWWAuthenticateChallengeError", 401)
    assert [refused[what]["error"] for what in ("scope", "grant", "key")] == [
        "invalid_scope", "unsupported_grant_type", "unsupported_token_type",
    ]  # fmt: skip
