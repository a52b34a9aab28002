"""The address that a browser is sent to a provider with, built by Authlib."""

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from apps.identities.services.provider import Provider
from apps.identities.services.provider_client import AuthorizationRequest

CHALLENGE_METHOD = "S256"  # RFC 7636, 4.2; `plain` would show the verifier to whoever sees the request


def authorization_url(endpoint: str, provider: Provider, request: AuthorizationRequest, **more: str) -> str:
    """Return the endpoint with the request for a code (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
    url: str = prepare_grant_uri(
        endpoint,
        provider.client_id,
        "code",
        redirect_uri=request.redirect_uri,
        scope=provider.scopes,
        state=request.state,
        code_challenge=request.code_challenge,
        code_challenge_method=CHALLENGE_METHOD,
        **more,
    )
    return url
