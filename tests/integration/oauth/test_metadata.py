"""`GET /.well-known/oauth-authorization-server`."""

import httpx
import pytest
from django.conf import settings

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
        "response_types_supported": [],
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


async def test_openid_configuration_is_not_found(api: httpx.AsyncClient):
    assert (await api.get("/.well-known/openid-configuration")).status_code == 404
