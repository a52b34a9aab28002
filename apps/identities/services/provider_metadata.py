"""What an OpenID provider publishes (OpenID Connect Discovery 1.0), and for how long it is kept."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from apps.identities.domain.provider import InvalidProviderAnswer, Provider
from apps.identities.services.claims import published_issuers
from apps.identities.services.provider_http import ascii_text, json_object

KEPT_SECONDS = 3600
REFRESH_SECONDS = 10
BASIC, POST = "client_secret_basic", "client_secret_post"
ADDRESS_LENGTH_MAXIMUM = 1000


class PublishedDocument[T]:
    """Fetches a document at most once an hour, or every REFRESH_SECONDS where the kept one turns out to be outdated.

    A failure is not kept. Callers that need the document at the same moment each fetch it: that is rare, and none waits
    for another.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: tuple[float, T] | None = None

    async def get(self) -> T:
        """Return what was published within the hour."""
        return await self._within(KEPT_SECONDS)

    async def get_fresh(self) -> T:
        """Return what was published within the last seconds."""
        return await self._within(REFRESH_SECONDS)

    async def _within(self, seconds: float) -> T:
        if self._kept is None or self._clock() - self._kept[0] >= seconds:
            self._kept = (self._clock(), await self._fetch())
        return self._kept[1]


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The provider's endpoints, and how to use them."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    authenticates_by_header: bool
    names_itself: bool  # whether every response carries `iss` (RFC 9207)

    @classmethod
    def of(cls, provider: Provider, content: Any) -> Self:
        """Return what the document says.

        Raises InvalidProviderAnswer when something required is missing, or when the document names an issuer that
        differs from the configured one by a single character: it is another provider's.
        """
        document = json_object(content, "metadata")
        issuer = ascii_text(document.get("issuer"), "issuer of the metadata")
        if issuer not in published_issuers(provider):
            raise InvalidProviderAnswer("issuer of the metadata")
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
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )


def metadata_url(provider: Provider) -> str:
    """Return where the provider publishes its metadata."""
    return f"{provider.issuer.removesuffix('/')}/.well-known/openid-configuration"


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _address(provider: Provider, value: Any) -> str:
    """Return a URL; without TLS only where the provider itself is configured without it, on this machine."""
    if not isinstance(value, str) or len(value) > ADDRESS_LENGTH_MAXIMUM or not value.isprintable():
        raise InvalidProviderAnswer("address in the metadata")
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise InvalidProviderAnswer("address in the metadata") from error
    schemes = {"https", urlsplit(provider.issuer).scheme}
    if parts.scheme not in schemes or not parts.hostname or parts.username or parts.fragment:
        raise InvalidProviderAnswer("address in the metadata")
    return value
