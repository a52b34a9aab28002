"""Fetches and caches the metadata of OpenID providers (OpenID Connect Discovery 1.0)."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from apps.identities.domain.provider import InvalidProviderResponse, Provider
from apps.identities.services.claims import published_issuers
from apps.identities.services.provider_http import ascii_text, json_object

KEPT_SECONDS = 3600
REFRESH_SECONDS = 10
BASIC, POST = "client_secret_basic", "client_secret_post"
ADDRESS_LENGTH_MAXIMUM = 1000


class PublishedDocument[T]:
    """Fetches a document at most once an hour, or once in REFRESH_SECONDS if the cached one is outdated.

    A failure is not cached. Concurrent callers each fetch the document, which is rare, so that none waits
    for another.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """Return the document, at most KEPT_SECONDS old."""
        return await self._within(KEPT_SECONDS)

    async def get_fresh(self) -> T:
        """Return the document, at most REFRESH_SECONDS old."""
        return await self._within(REFRESH_SECONDS)

    async def _within(self, seconds: float) -> T:
        if self._kept is None or self._clock() - self._kept[0] >= seconds:
            self._kept = (self._clock(), await self._fetch())
        return self._kept[1]


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The provider's endpoints and capabilities."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    authenticates_by_header: bool
    always_sends_issuer: bool  # `iss` in every response (RFC 9207)

    @classmethod
    def of(cls, provider: Provider, content: Any) -> Self:
        """Return the metadata in the document.

        Raises InvalidProviderResponse when a required field is missing, or when the document names an issuer that
        differs from the configured one, even by one character: it belongs to another provider.
        """
        document = json_object(content, "metadata")
        issuer = ascii_text(document.get("issuer"), "issuer of the metadata")
        if issuer not in published_issuers(provider):
            raise InvalidProviderResponse("issuer of the metadata")
        methods = _texts(document.get("token_endpoint_auth_methods_supported", [BASIC]))
        userinfo = document.get("userinfo_endpoint")
        return cls(
            issuer=issuer,
            authorization_endpoint=_address(provider, document.get("authorization_endpoint")),
            token_endpoint=_address(provider, document.get("token_endpoint")),
            jwks_uri=_address(provider, document.get("jwks_uri")),
            userinfo_endpoint=None if userinfo is None else _address(provider, userinfo),
            algorithms=_texts(document.get("id_token_signing_alg_values_supported")),
            authenticates_by_header=BASIC in methods or POST not in methods,
            always_sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )


def metadata_url(provider: Provider) -> str:
    """Return the URL of the provider's metadata."""
    return f"{provider.issuer.removesuffix('/')}/.well-known/openid-configuration"


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _address(provider: Provider, value: Any) -> str:
    """Return a URL, which may be without TLS only if the provider itself is configured without it, on this machine."""
    if not isinstance(value, str) or len(value) > ADDRESS_LENGTH_MAXIMUM or not value.isprintable():
        raise InvalidProviderResponse("address in the metadata")
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise InvalidProviderResponse("address in the metadata") from error
    schemes = {"https", urlsplit(provider.issuer).scheme}
    if parts.scheme not in schemes or not parts.hostname or parts.username or parts.fragment:
        raise InvalidProviderResponse("address in the metadata")
    return value
