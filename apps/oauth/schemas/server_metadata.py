"""Metadata of this authorization server."""

from typing import Self

from apps.core.schemas.base import ResponseSchema
from apps.core.values.api_contract import API_PATH
from apps.oauth.schemas.oauth_token import CLIENT_CREDENTIALS

CLIENT_AUTHENTICATION_METHODS = ["client_secret_basic", "client_secret_post"]


class ServerMetadata(ResponseSchema):
    """The endpoints, and what they support (RFC 8414, 2)."""

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    jwks_uri: str
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    service_documentation: str

    @classmethod
    def of(cls, issuer: str, own_url: str) -> Self:
        """Return the metadata of the issuer with endpoints below `own_url`; neither ends in a slash."""
        endpoints = f"{own_url}{API_PATH}/oauth"
        return cls(
            issuer=issuer,
            token_endpoint=f"{endpoints}/token",
            token_endpoint_auth_methods_supported=CLIENT_AUTHENTICATION_METHODS,
            grant_types_supported=[CLIENT_CREDENTIALS],
            response_types_supported=[],  # there is no authorization endpoint
            jwks_uri=f"{own_url}/.well-known/jwks.json",
            introspection_endpoint=f"{endpoints}/introspect",
            introspection_endpoint_auth_methods_supported=[*CLIENT_AUTHENTICATION_METHODS, "Bearer"],
            revocation_endpoint=f"{endpoints}/revoke",
            revocation_endpoint_auth_methods_supported=[*CLIENT_AUTHENTICATION_METHODS, "none"],
            service_documentation=f"{own_url}/docs",
        )
