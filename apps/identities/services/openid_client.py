"""Speaks OpenID Connect with a provider."""

from typing import Any

from apps.identities.models import Profile
from apps.identities.services.authorization_url import authorization_url
from apps.identities.services.claim_rules import MICROSOFT_SHARED, profile_of
from apps.identities.services.id_tokens import PublicKeys, UnknownKey, read_id_token, usable_keys
from apps.identities.services.provider import Provider, ProviderKind
from apps.identities.services.provider_client import AuthorizationCode, AuthorizationRequest, fetch_tokens
from apps.identities.services.provider_errors import InvalidProviderAnswer
from apps.identities.services.provider_http import ProviderHttp
from apps.identities.services.provider_metadata import ProviderMetadata, metadata_url
from apps.identities.services.published_document import PublishedDocument

PROFILE_CLAIMS = ("email", "email_verified", "name", "hd")


class OpenIdClient:
    """A `ProviderClient` for whoever publishes an OpenID configuration."""

    def __init__(self, provider: Provider, http: ProviderHttp) -> None:
        self.provider = provider
        self._http = http
        self._metadata = PublishedDocument(self._ask_metadata)
        self._keys = PublishedDocument(self._ask_keys)

    async def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return the authorization endpoint with the request (OpenID Connect Core 3.1.2.1, RFC 7636)."""
        endpoint = (await self._metadata.get()).authorization_endpoint
        return authorization_url(endpoint, self.provider, request, nonce=request.nonce)

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderAnswer if the answer is another provider's, or does not say whose though it should."""
        metadata = await self._metadata.get()
        if issuer is None and metadata.names_itself:
            raise InvalidProviderAnswer("no iss")
        # Microsoft's names for all tenants have no issuer of their own: there, each sign-in's own address must do.
        if issuer not in {None, metadata.issuer} and self.provider.issuer not in MICROSOFT_SHARED:
            raise InvalidProviderAnswer("iss of another")

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Spend the code, and return who the ID Token, or beside it the userinfo endpoint, says has signed in."""
        metadata = await self._metadata.get()
        tokens = await fetch_tokens(
            self._http, metadata.token_endpoint, self.provider, code, by_header=metadata.authenticates_by_header
        )
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise InvalidProviderAnswer("no id_token")
        claims = await self._claims(id_token, metadata, code.nonce)
        return profile_of(self.provider, await self._completed(claims, metadata, tokens["access_token"]))

    async def _claims(self, id_token: str, metadata: ProviderMetadata, nonce: str) -> dict[str, Any]:
        try:
            return read_id_token(id_token, self.provider, await self._keys.get(), metadata.algorithms, nonce)
        except UnknownKey:
            return read_id_token(id_token, self.provider, await self._keys.get_fresh(), metadata.algorithms, nonce)

    async def _completed(self, claims: dict[str, Any], metadata: ProviderMetadata, access_token: str) -> dict[str, Any]:
        """Return the claims with those of the userinfo endpoint, where the ID Token has none of the address.

        Not Microsoft's: its userinfo endpoint says nothing of whether the address is to be believed.
        """
        is_complete = "email" in claims or self.provider.kind is ProviderKind.MICROSOFT
        if is_complete or metadata.userinfo_endpoint is None:
            return claims
        about = await self._http.get(metadata.userinfo_endpoint, access_token)
        # OpenID Connect Core 5.3.2: else the access token could be another person's.
        if not isinstance(about, dict) or about.get("sub") != claims["sub"]:
            raise InvalidProviderAnswer("sub of the userinfo")
        return {**{name: about[name] for name in PROFILE_CLAIMS if name in about}, **claims}

    async def _ask_metadata(self) -> ProviderMetadata:
        return ProviderMetadata.of(self.provider, await self._http.get(metadata_url(self.provider)))

    async def _ask_keys(self) -> PublicKeys:
        return usable_keys(await self._http.get((await self._metadata.get()).jwks_uri))
