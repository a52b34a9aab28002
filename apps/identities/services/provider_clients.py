"""The clients of providers: OAuth 2.0's code flow (RFC 6749, RFC 7636), by OpenID Connect or GitHub's own API."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from apps.core.errors import NotFound
from apps.identities.domain.provider import (
    GITHUB,
    AccessDenied,
    InvalidProviderResponse,
    Profile,
    Provider,
    ProviderError,
    ProviderKind,
    ProviderRefused,
    ProviderUnavailable,
    StaleAuthentication,
)
from apps.identities.services.claims import MICROSOFT_SHARED, owns_issuer, profile_from, profile_of
from apps.identities.services.id_tokens import PublicKeys, UnknownKey, authentication_time, read_id_token, usable_keys
from apps.identities.services.provider_http import ProviderHttp, ascii_text, json_object
from apps.identities.services.provider_metadata import ProviderMetadata, PublishedDocument, metadata_url

CHALLENGE_METHOD = "S256"  # RFC 7636, 4.2; `plain` would show the verifier to anyone who sees the request
LOGGED_LENGTH_MAXIMUM = 200
TEMPORARY_ERRORS = frozenset({"temporarily_unavailable", "server_error"})
WELL_KNOWN_ERRORS = TEMPORARY_ERRORS | {
    "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client",
    "unsupported_grant_type", "bad_verification_code", "incorrect_client_credentials", "redirect_uri_mismatch",
}  # fmt: skip


PROFILE_CLAIMS = ("email", "email_verified", "name", "hd")
GITHUB_API = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The parameters of the redirect to the provider.

    With `max_age`, the provider has to authenticate its user again, and to say when it did.
    """

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_challenge: str
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """The code from the provider's redirect, and the parameters of the request that it answers."""

    code: str = field(repr=False)
    redirect_uri: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    max_age: int | None = None


class ProviderClient(Protocol):
    """The client of one provider. Every method may raise a ProviderError."""

    provider: Provider

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the URL to redirect the browser to."""

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderResponse unless the response's `iss` (RFC 9207) is this provider's."""

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Exchange the code, and return the profile of the user who has signed in; raises StaleAuthentication."""


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
    """Exchange the code at the token endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5), and return the validated response.

    With `by_header` the client's secret is sent in the header, otherwise in the form.
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
        raise InvalidProviderResponse("token_type")
    return tokens


def refusal_of(error: Any) -> ProviderError:
    """Return the exception for an error of the token endpoint (RFC 6749, 5.2). Only well-known names are logged.

    The provider may repeat the request's code or client secret in its description.
    """
    reason = error if isinstance(error, str) and error in WELL_KNOWN_ERRORS else "another error"
    return ProviderUnavailable(reason) if reason in TEMPORARY_ERRORS else ProviderRefused(reason)


def callback_refusal(error: str, description: str | None) -> ProviderError:
    """Return the exception for an error in the browser's redirect (RFC 6749, 4.1.2.1), with the provider's reason."""
    reason = f'{_for_log(error)} "{_for_log(description or "")}"'
    if error == "access_denied":
        return AccessDenied(reason)
    return ProviderUnavailable(reason) if error in TEMPORARY_ERRORS else ProviderRefused(reason)


def _for_log(text: str) -> str:
    """Return what an anonymous client may have written as one short line of printable characters."""
    printable = "".join(each if each.isprintable() and each != '"' else " " for each in text[:LOGGED_LENGTH_MAXIMUM])
    return " ".join(printable.split())


class OpenIdClient:
    """A `ProviderClient` for every provider that publishes an OpenID configuration."""

    def __init__(self, provider: Provider, http: ProviderHttp) -> None:
        self.provider = provider
        self._http = http
        self._metadata = PublishedDocument(self._fetch_metadata)
        self._keys = PublishedDocument(self._fetch_keys)

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the authorization endpoint with the request (OpenID Connect Core 3.1.2.1, RFC 7636)."""
        endpoint = (await self._metadata.get()).authorization_endpoint
        # Some providers ignore one of the two. `auth_time`, which `max_age` requires of them, shows whether both did.
        fresh = {} if request.max_age is None else {"max_age": str(request.max_age), "prompt": "login"}
        return authorization_url(endpoint, self.provider, request, nonce=request.nonce, **fresh)

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderResponse if the response names another issuer, or lacks one that is always sent."""
        metadata = await self._metadata.get()
        if issuer is None and metadata.always_sends_issuer:
            raise InvalidProviderResponse("no iss")
        # Microsoft's names for all tenants have no issuer of their own. The provider's own callback URL identifies it.
        if issuer not in {None, metadata.issuer} and self.provider.issuer not in MICROSOFT_SHARED:
            raise InvalidProviderResponse("iss of another")

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Exchange the code, and return the profile in the ID Token, with the address of the userinfo endpoint."""
        metadata = await self._metadata.get()
        tokens = await fetch_tokens(
            self._http, metadata.token_endpoint, self.provider, code, by_header=metadata.authenticates_by_header
        )
        id_token = ascii_text(tokens.get("id_token"), "id_token")
        claims = await self._claims(id_token, metadata, code.nonce)
        authenticated_at = authentication_time(claims, code.max_age)
        profile = profile_of(self.provider, await self._completed(claims, metadata, tokens["access_token"]))
        return replace(profile, authenticated_at=authenticated_at)

    async def _claims(self, id_token: str, metadata: ProviderMetadata, nonce: str) -> dict[str, Any]:
        try:
            return read_id_token(id_token, self.provider, await self._keys.get(), metadata.algorithms, nonce)
        except UnknownKey:
            return read_id_token(id_token, self.provider, await self._keys.get_fresh(), metadata.algorithms, nonce)

    async def _completed(self, claims: dict[str, Any], metadata: ProviderMetadata, access_token: str) -> dict[str, Any]:
        """Return the claims, with those of the userinfo endpoint if the ID Token has none about the address.

        Not for Microsoft: its userinfo endpoint does not say whether the address is verified.
        """
        is_complete = "email" in claims or self.provider.kind is ProviderKind.MICROSOFT
        if is_complete or metadata.userinfo_endpoint is None:
            return claims
        userinfo = json_object(await self._http.get(metadata.userinfo_endpoint, access_token), "userinfo")
        # OpenID Connect Core 5.3.2: otherwise the access token could belong to another user.
        if userinfo.get("sub") != claims["sub"]:
            raise InvalidProviderResponse("sub of the userinfo")
        return {**{name: userinfo[name] for name in PROFILE_CLAIMS if name in userinfo}, **claims}

    async def _fetch_metadata(self) -> ProviderMetadata:
        return ProviderMetadata.of(self.provider, await self._http.get(metadata_url(self.provider)))

    async def _fetch_keys(self) -> PublicKeys:
        return usable_keys(await self._http.get((await self._metadata.get()).jwks_uri))


class GitHubClient:
    """A `ProviderClient` for github.com, or for a GitHub Enterprise Server, whose API is below its own URL."""

    def __init__(self, provider: Provider, http: ProviderHttp) -> None:
        self.provider = provider
        self._http = http
        site = provider.issuer.removesuffix("/")
        self._oauth = f"{site}/login/oauth"
        self._api = GITHUB_API if site == GITHUB else f"{site}/api/v3"

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of GitHub's consent page. GitHub has no ID Tokens, so there is no nonce.

        Raises StaleAuthentication where a recent sign-in is requested: GitHub does not say when it authenticates.
        """
        if request.max_age is not None:
            raise StaleAuthentication("GitHub does not say when it authenticates")
        return authorization_url(f"{self._oauth}/authorize", self.provider, request)

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderResponse if the response names another issuer; GitHub may omit its own."""
        if issuer not in {None, self._oauth}:
            raise InvalidProviderResponse("iss of another")

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Exchange the code, and return the profile, identified by number: a login name may be reassigned."""
        tokens = await fetch_tokens(self._http, f"{self._oauth}/access_token", self.provider, code, by_header=False)
        user = json_object(await self._http.get(f"{self._api}/user", tokens["access_token"]), "user")
        if type(user.get("id")) is not int:
            raise InvalidProviderResponse("id")
        email = _primary(await self._http.get(f"{self._api}/user/emails", tokens["access_token"]))
        name = user.get("name") or user.get("login")
        subject = str(user["id"])
        return profile_from(
            self.provider.name, self.provider.issuer, subject, email, name, is_verified=email is not None
        )


def _primary(emails: Any) -> str | None:
    """Return the one address that is both primary and verified, or None."""
    entries = [entry for entry in emails if isinstance(entry, dict)] if isinstance(emails, list) else []
    found = [entry.get("email") for entry in entries if entry.get("primary") is True and entry.get("verified") is True]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


class Providers:
    """Finds the client for a provider by its name."""

    def __init__(self, configured: Sequence[Provider], http: ProviderHttp) -> None:
        self._clients = {provider.name: _client(provider, http) for provider in configured}

    def all(self) -> list[Provider]:
        """Return the providers in the operator's order."""
        return [client.provider for client in self._clients.values()]

    def client(self, name: str) -> ProviderClient:
        """Return the client; raises NotFound."""
        if name not in self._clients:
            raise NotFound("No provider has this name.")
        return self._clients[name]

    def is_configured(self, name: str, issuer: str) -> bool:
        """Return whether a provider with this name is configured and has this issuer."""
        client = self._clients.get(name)
        return client is not None and owns_issuer(client.provider, issuer)


def _client(provider: Provider, http: ProviderHttp) -> ProviderClient:
    return (GitHubClient if provider.kind is ProviderKind.GITHUB else OpenIdClient)(provider, http)
