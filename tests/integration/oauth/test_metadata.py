"""`GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`."""

import httpx
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from django.conf import settings

from apps.core.authorization.catalogue import CATALOGUE
from tests.support.assertions import assert_error

OPENID_CONFIGURATION = "/.well-known/openid-configuration"
WELL_KNOWN = "/.well-known/oauth-authorization-server"


async def test_metadata_names_endpoints_and_methods(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://keys.example.com")
    monkeypatch.setattr(settings, "TOKEN_ISSUER", "https://id.example.com")
    response = await api.get(WELL_KNOWN, headers={"Host": "evil.localhost"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["cache-control"] == "public, max-age=3600"
    assert response.json() == {
        "issuer": "https://id.example.com",
        "token_endpoint": "https://keys.example.com/api/v1/oauth/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["none"],
        "scopes_supported": list(CATALOGUE),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "ES256", "RS256"],
        "jwks_uri": "https://keys.example.com/.well-known/jwks.json",
        "introspection_endpoint": "https://keys.example.com/api/v1/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "Bearer"],
        "revocation_endpoint": "https://keys.example.com/api/v1/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "service_documentation": "https://keys.example.com/docs",
    }


async def test_endpoints_of_metadata_exist(api: httpx.AsyncClient):
    metadata = (await api.get(WELL_KNOWN)).json()
    assert metadata["issuer"] == settings.TOKEN_ISSUER == settings.PUBLIC_URL
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        assert (await api.post(metadata[name].removeprefix(settings.PUBLIC_URL))).status_code == 400
    assert (await api.get(metadata["jwks_uri"].removeprefix(settings.PUBLIC_URL))).status_code == 200


async def test_metadata_is_valid_for_an_independent_library(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://keys.example.com")
    monkeypatch.setattr(settings, "TOKEN_ISSUER", "https://keys.example.com")
    path = get_well_known_url(settings.TOKEN_ISSUER)
    assert path == WELL_KNOWN
    metadata = (await api.get(path)).json()
    AuthorizationServerMetadata(metadata).validate()
    # RFC 8414, 3.2: members without a value are left out.
    assert [name for name, value in metadata.items() if value in ([], None, "")] == []


async def test_openid_libraries_find_the_same_document(api: httpx.AsyncClient):
    here, there = await api.get(WELL_KNOWN), await api.get(OPENID_CONFIGURATION)
    assert (there.status_code, there.json()) == (200, here.json())
    assert there.headers["cache-control"] == here.headers["cache-control"]
    # It is no OpenID provider: nothing can be authorized, and nothing in the document says otherwise.
    assert not {"authorization_endpoint", "userinfo_endpoint"} & there.json().keys()
    assert_error(await api.get("/api/v1/oauth/authorize"), 404, "NOT_FOUND")
