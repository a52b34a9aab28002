"""What every provider's client does, whatever protocol it speaks: OAuth 2.0's code flow (RFC 6749, RFC 7636)."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from apps.identities.domain.provider import Profile, Provider
from apps.identities.services.provider_errors import InvalidProviderAnswer, ProviderRefused, ProviderUnavailable
from apps.identities.services.provider_http import ProviderHttp, ascii_text, json_object

CHALLENGE_METHOD = "S256"  # RFC 7636, 4.2; `plain` would show the verifier to whoever sees the request
TEMPORARY_ERRORS = frozenset({"temporarily_unavailable", "server_error"})
WELL_KNOWN_ERRORS = TEMPORARY_ERRORS | {
    "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client",
    "unsupported_grant_type", "bad_verification_code", "incorrect_client_credentials", "redirect_uri_mismatch",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What the browser takes to the provider."""

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_challenge: str


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What the browser brings back, and what goes with it to the token endpoint."""

    code: str = field(repr=False)
    redirect_uri: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


class ProviderClient(Protocol):
    """Speaks with one provider. Every method may raise a ProviderError."""

    provider: Provider

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where to send the browser."""

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderAnswer unless the response's `iss` (RFC 9207) is this provider's."""

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Spend the code, and return who has signed in."""


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


async def fetch_tokens(
    http: ProviderHttp, endpoint: str, provider: Provider, code: AuthorizationCode, *, by_header: bool
) -> dict[str, Any]:
    """Spend the code at the token endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5), and return the verified response.

    `by_header` is whether the client's secret goes into the header, or into the form.
    """
    fields = {
        "grant_type": "authorization_code",
        "code": code.code,
        "redirect_uri": code.redirect_uri,
        "code_verifier": code.code_verifier,
    }
    client = (provider.client_id, provider.client_secret)
    if not by_header:
        fields.update(zip(("client_id", "client_secret"), client, strict=True))
    status, content = await http.post_form(endpoint, fields, client if by_header else None)
    tokens = json_object(content, "tokens")
    if status != 200 or "error" in tokens:
        raise refusal_of(tokens.get("error"))
    ascii_text(tokens.get("access_token"), "access_token")
    if ascii_text(tokens.get("token_type"), "token_type").lower() != "bearer":
        raise InvalidProviderAnswer("token_type")
    return tokens


def refusal_of(error: Any) -> ProviderUnavailable | ProviderRefused:
    """Return what a provider's error means (RFC 6749, 4.1.2.1 and 5.2); only well-known names are logged."""
    reason = error if isinstance(error, str) and error in WELL_KNOWN_ERRORS else "another error"
    return ProviderUnavailable(reason) if reason in TEMPORARY_ERRORS else ProviderRefused(reason)
