"""Speaks with GitHub, which is no OpenID provider: plain OAuth 2.0, and an API that says who somebody is."""

from typing import Any

from apps.identities.models import Profile
from apps.identities.services.authorization_url import authorization_url
from apps.identities.services.profile_values import profile_from
from apps.identities.services.provider import GITHUB, Provider
from apps.identities.services.provider_client import AuthorizationCode, AuthorizationRequest, fetch_tokens
from apps.identities.services.provider_errors import InvalidProviderAnswer
from apps.identities.services.provider_http import ProviderHttp

GITHUB_API = "https://api.github.com"


class GitHubClient:
    """A `ProviderClient` for github.com, or for a GitHub Enterprise Server, whose API is under its own address."""

    def __init__(self, provider: Provider, http: ProviderHttp) -> None:
        self.provider = provider
        self._http = http
        site = provider.issuer.removesuffix("/")
        self._oauth = f"{site}/login/oauth"
        self._api = GITHUB_API if site == GITHUB else f"{site}/api/v3"

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return GitHub's page that asks; there is no ID Token, and so no nonce."""
        return authorization_url(f"{self._oauth}/authorize", self.provider, request)

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderAnswer if the answer says that it is another's; GitHub need not say whose it is."""
        if issuer not in {None, self._oauth}:
            raise InvalidProviderAnswer("iss of another")

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Spend the code, and return whose token it gives: by number, for a login may become another's."""
        tokens = await fetch_tokens(self._http, f"{self._oauth}/access_token", self.provider, code, by_header=False)
        about = await self._http.get(f"{self._api}/user", tokens["access_token"])
        if not isinstance(about, dict) or type(about.get("id")) is not int:
            raise InvalidProviderAnswer("id")
        email = _primary(await self._http.get(f"{self._api}/user/emails", tokens["access_token"]))
        name = about.get("name") or about.get("login")
        subject = str(about["id"])
        return profile_from(
            self.provider.name, self.provider.issuer, subject, email, name, is_verified=email is not None
        )


def _primary(emails: Any) -> str | None:
    """Return the address that is both the person's first and verified."""
    entries = [entry for entry in emails if isinstance(entry, dict)] if isinstance(emails, list) else []
    found = [entry.get("email") for entry in entries if entry.get("primary") is True and entry.get("verified") is True]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None
