"""Metadata of this authorization server."""

from typing import Self

from apps.core.authorization.catalogue import CATALOGUE
from apps.core.crypto.signing_algorithms import SigningAlgorithm
from apps.core.schemas.base import ResponseSchema
from apps.core.values.api_contract import API_PATH
from apps.oauth.schemas.oauth_token import CLIENT_CREDENTIALS

CLIENT_AUTHENTICATION_METHODS = ["client_secret_basic", "client_secret_post"]


class ServerMetadata(ResponseSchema):
    """The endpoints, and what they support (RFC 8414, 2; OpenID Connect Discovery 1.0, 3).

    `scopes_supported` are those that Keyhouse itself checks; customers name scopes of their own. As Keyhouse issues no
    ID tokens, `id_token_signing_alg_values_supported` are the algorithms that may sign its access tokens: libraries of
    resource servers read there which ones to accept. The key set says which one each key is for.
    """

    issuer: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
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
            # Required, and never empty. There is no authorization endpoint that could return anything (OAuth 2.0
            # Multiple Response Type Encoding Practices, 4).
            response_types_supported=["none"],
            scopes_supported=list(CATALOGUE),
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=list(SigningAlgorithm),
            jwks_uri=f"{own_url}/.well-known/jwks.json",
            introspection_endpoint=f"{endpoints}/introspect",
            introspection_endpoint_auth_methods_supported=[*CLIENT_AUTHENTICATION_METHODS, "Bearer"],
            revocation_endpoint=f"{endpoints}/revoke",
            revocation_endpoint_auth_methods_supported=[*CLIENT_AUTHENTICATION_METHODS, "none"],
            service_documentation=f"{own_url}/docs",
        )
