"""What this authorization server can do."""

from apps.core.schemas.base import ResponseSchema


class ServerMetadata(ResponseSchema):
    """Where the endpoints are, and what they take (RFC 8414, 2)."""

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
