"""What every provider can be asked, whatever it speaks."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.identities.models import Profile
from apps.identities.services.provider import Provider
from apps.identities.services.provider_errors import InvalidProviderAnswer, ProviderRefused, ProviderUnavailable
from apps.identities.services.provider_http import ProviderHttp

SAYS_AGAIN_LATER = frozenset({"temporarily_unavailable", "server_error"})
WELL_KNOWN_ERRORS = SAYS_AGAIN_LATER | {
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
    """What the browser has brought back, and what goes with it."""

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
        """Raise InvalidProviderAnswer unless the answer's `iss` (RFC 9207) is this provider's."""

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Spend the code, and return who has signed in."""


async def fetch_tokens(
    http: ProviderHttp, endpoint: str, provider: Provider, code: AuthorizationCode, *, by_header: bool
) -> dict[str, Any]:
    """Spend the code at the token endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5), and return the checked answer.

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
    status, answer = await http.post_form(endpoint, fields, client if by_header else None)
    if not isinstance(answer, dict):
        raise InvalidProviderAnswer("no token answer")
    if status != 200 or "error" in answer:
        raise refusal_of(answer.get("error"))
    return _checked(answer)


def refusal_of(error: Any) -> ProviderUnavailable | ProviderRefused:
    """Return what a provider's error means (RFC 6749, 4.1.2.1 and 5.2); only a well-known name is repeated."""
    reason = error if isinstance(error, str) and error in WELL_KNOWN_ERRORS else "another error"
    return ProviderUnavailable(reason) if reason in SAYS_AGAIN_LATER else ProviderRefused(reason)


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    token, kind = answer.get("access_token"), answer.get("token_type")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise InvalidProviderAnswer("access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise InvalidProviderAnswer("token_type")
    return answer
