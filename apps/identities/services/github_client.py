"""The client of GitHub, which is not an OpenID provider: plain OAuth 2.0, and an API that describes the person."""

from typing import Any

from apps.identities.domain.provider import GITHUB, Profile, Provider
from apps.identities.services.claims import profile_from
from apps.identities.services.provider_client import (
    AuthorizationCode,
    AuthorizationRequest,
    authorization_url,
    fetch_tokens,
)
from apps.identities.services.provider_errors import InvalidProviderAnswer
from apps.identities.services.provider_http import ProviderHttp, json_object

GITHUB_API = "https://api.github.com"


class GitHubClient:
    """A `ProviderClient` for github.com, or for a GitHub Enterprise Server, whose API is below its own URL."""

    def __init__(self, provider: Provider, http: ProviderHttp) -> None:
        self.provider = provider
        self._http = http
        site = provider.issuer.removesuffix("/")
        self._oauth = f"{site}/login/oauth"
        self._api = GITHUB_API if site == GITHUB else f"{site}/api/v3"

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return GitHub's page that requests consent; there is no ID Token, and so no nonce."""
        return authorization_url(f"{self._oauth}/authorize", self.provider, request)

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderAnswer if the response names another provider; GitHub need not name itself."""
        if issuer not in {None, self._oauth}:
            raise InvalidProviderAnswer("iss of another")

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Spend the code, and return who has signed in: by number, because a login may become another person's."""
        tokens = await fetch_tokens(self._http, f"{self._oauth}/access_token", self.provider, code, by_header=False)
        user = json_object(await self._http.get(f"{self._api}/user", tokens["access_token"]), "user")
        if type(user.get("id")) is not int:
            raise InvalidProviderAnswer("id")
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
