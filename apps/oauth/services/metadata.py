"""What the server can do, for clients that find their own way (RFC 8414)."""

from apps.core.values.api_path import API_PATH
from apps.oauth.schemas.server_metadata import ServerMetadata
from apps.oauth.services.token_exchange import GRANT

SECRETS = ["client_secret_basic", "client_secret_post"]


def metadata_of(issuer: str, own_url: str) -> ServerMetadata:
    """Return the metadata of the issuer whose endpoints are at `own_url`, both without a slash at the end.

    The addresses are the operator's settings, never a request's Host header.
    """
    endpoints = f"{own_url}{API_PATH}/oauth"
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{endpoints}/token",
        token_endpoint_auth_methods_supported=SECRETS,
        grant_types_supported=[GRANT],
        response_types_supported=[],  # there is no authorization endpoint
        jwks_uri=f"{own_url}/.well-known/jwks.json",
        introspection_endpoint=f"{endpoints}/introspect",
        introspection_endpoint_auth_methods_supported=[*SECRETS, "Bearer"],
        revocation_endpoint=f"{endpoints}/revoke",
        revocation_endpoint_auth_methods_supported=[*SECRETS, "none"],
        service_documentation=f"{own_url}/docs",
    )
