"""The client of OpenID Connect providers."""

from typing import Any

from apps.identities.domain.provider import Profile, Provider, ProviderKind
from apps.identities.services.claims import MICROSOFT_SHARED, profile_of
from apps.identities.services.id_tokens import PublicKeys, UnknownKey, read_id_token, usable_keys
from apps.identities.services.provider_client import (
    AuthorizationCode,
    AuthorizationRequest,
    authorization_url,
    fetch_tokens,
)
from apps.identities.services.provider_errors import InvalidProviderAnswer
from apps.identities.services.provider_http import ProviderHttp, ascii_text, json_object
from apps.identities.services.provider_metadata import ProviderMetadata, PublishedDocument, metadata_url

PROFILE_CLAIMS = ("email", "email_verified", "name", "hd")


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
        return authorization_url(endpoint, self.provider, request, nonce=request.nonce)

    async def require_issuer(self, issuer: str | None) -> None:
        """Raise InvalidProviderAnswer if the response names another provider, or none where this one always does."""
        metadata = await self._metadata.get()
        if issuer is None and metadata.names_itself:
            raise InvalidProviderAnswer("no iss")
        # Microsoft's names for all tenants have no issuer of their own: there, the callback's own URL must do.
        if issuer not in {None, metadata.issuer} and self.provider.issuer not in MICROSOFT_SHARED:
            raise InvalidProviderAnswer("iss of another")

    async def profile(self, code: AuthorizationCode) -> Profile:
        """Spend the code, and return who has signed in by the ID Token and, for the address, the userinfo endpoint."""
        metadata = await self._metadata.get()
        tokens = await fetch_tokens(
            self._http, metadata.token_endpoint, self.provider, code, by_header=metadata.authenticates_by_header
        )
        id_token = ascii_text(tokens.get("id_token"), "id_token")
        claims = await self._claims(id_token, metadata, code.nonce)
        return profile_of(self.provider, await self._completed(claims, metadata, tokens["access_token"]))

    async def _claims(self, id_token: str, metadata: ProviderMetadata, nonce: str) -> dict[str, Any]:
        try:
            return read_id_token(id_token, self.provider, await self._keys.get(), metadata.algorithms, nonce)
        except UnknownKey:
            return read_id_token(id_token, self.provider, await self._keys.get_fresh(), metadata.algorithms, nonce)

    async def _completed(self, claims: dict[str, Any], metadata: ProviderMetadata, access_token: str) -> dict[str, Any]:
        """Return the claims, with those of the userinfo endpoint where the ID Token has none about the address.

        Not for Microsoft: its userinfo endpoint does not say whether the address is verified.
        """
        is_complete = "email" in claims or self.provider.kind is ProviderKind.MICROSOFT
        if is_complete or metadata.userinfo_endpoint is None:
            return claims
        userinfo = json_object(await self._http.get(metadata.userinfo_endpoint, access_token), "userinfo")
        # OpenID Connect Core 5.3.2: or the access token could be another person's.
        if userinfo.get("sub") != claims["sub"]:
            raise InvalidProviderAnswer("sub of the userinfo")
        return {**{name: userinfo[name] for name in PROFILE_CLAIMS if name in userinfo}, **claims}

    async def _fetch_metadata(self) -> ProviderMetadata:
        return ProviderMetadata.of(self.provider, await self._http.get(metadata_url(self.provider)))

    async def _fetch_keys(self) -> PublicKeys:
        return usable_keys(await self._http.get((await self._metadata.get()).jwks_uri))
