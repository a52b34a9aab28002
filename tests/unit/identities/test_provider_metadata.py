"""Reading the metadata of OpenID providers."""

from typing import Any

import pytest

from apps.identities.domain.provider import InvalidProviderResponse, ProviderKind
from apps.identities.services.provider_metadata import ProviderMetadata, metadata_url
from tests.unit.identities.forged import ISSUER, provider

pytestmark = pytest.mark.unit

VALID = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": "https://tokens.example.com/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "id_token_signing_alg_values_supported": ["RS256", 7],
}


def test_metadata_is_read():
    metadata = ProviderMetadata.of(provider(), VALID)
    assert metadata.token_endpoint == "https://tokens.example.com/token"
    assert metadata.userinfo_endpoint is None
    assert metadata.algorithms == ("RS256",)
    assert (metadata.authenticates_by_header, metadata.always_sends_issuer) == (True, False)


@pytest.mark.parametrize(
    ("methods", "by_header"),
    [
        (["client_secret_post"], False),
        (["client_secret_basic", "client_secret_post"], True),
        (["private_key_jwt"], True),
    ],
)
def test_client_authentication_method_is_chosen(methods, by_header):
    document = {**VALID, "token_endpoint_auth_methods_supported": methods}
    assert ProviderMetadata.of(provider(), document).authenticates_by_header is by_header


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": ISSUER.upper()},
        {"issuer": "https://evil.example.com"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://acme.example.com/token"},
        {"token_endpoint": "ftp://acme.example.com/token"},
        {"token_endpoint": "https://user:pw@acme.example.com/token"},
        {"token_endpoint": "https://["},
        {"token_endpoint": "/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": f"{ISSUER}/auth\r\nSet-Cookie: a=b"},
        {"authorization_endpoint": f"{ISSUER}/auth#fragment"},
        {"jwks_uri": ["https://acme.example.com/jwks"]},
        {"userinfo_endpoint": "http://acme.example.com/me"},
    ],
    ids=str,
)
def test_foreign_or_unsafe_document_is_refused(changes: dict[str, Any]):
    with pytest.raises(InvalidProviderResponse):
        ProviderMetadata.of(provider(), {**VALID, **changes})


@pytest.mark.parametrize("document", [None, [], "text", {}])
def test_malformed_document_is_refused(document):
    with pytest.raises(InvalidProviderResponse):
        ProviderMetadata.of(provider(), document)


def test_url_of_the_metadata():
    tenant = provider(ProviderKind.OPENID, f"{ISSUER}/tenant/")
    assert metadata_url(tenant) == f"{ISSUER}/tenant/.well-known/openid-configuration"
