"""What an OpenID provider publishes of itself (OpenID Connect Discovery 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from apps.identities.services.claim_rules import published_issuers
from apps.identities.services.provider import Provider
from apps.identities.services.provider_errors import InvalidProviderAnswer

BASIC, POST = "client_secret_basic", "client_secret_post"
ADDRESS_LENGTH_MAXIMUM = 1000


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The addresses to speak to, and how."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    authenticates_by_header: bool
    names_itself: bool  # whether every answer carries `iss` (RFC 9207)

    @classmethod
    def of(cls, provider: Provider, document: Any) -> Self:
        """Return what the document says.

        Raises InvalidProviderAnswer when something needed is missing, or when it names another issuer than the one
        that was configured, however little: then it is somebody else's.
        """
        if not isinstance(document, Mapping) or document.get("issuer") not in published_issuers(provider):
            raise InvalidProviderAnswer("issuer of the metadata")
        methods = _texts(document.get("token_endpoint_auth_methods_supported", [BASIC]))
        return cls(
            issuer=document["issuer"],
            authorization_endpoint=_address(provider, document.get("authorization_endpoint")),
            token_endpoint=_address(provider, document.get("token_endpoint")),
            jwks_uri=_address(provider, document.get("jwks_uri")),
            userinfo_endpoint=_optional_address(provider, document.get("userinfo_endpoint")),
            algorithms=_texts(document.get("id_token_signing_alg_values_supported")),
            authenticates_by_header=BASIC in methods or POST not in methods,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )


def metadata_url(provider: Provider) -> str:
    """Return where the provider publishes it."""
    return f"{provider.issuer.removesuffix('/')}/.well-known/openid-configuration"


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _optional_address(provider: Provider, value: Any) -> str | None:
    return None if value is None else _address(provider, value)


def _address(provider: Provider, value: Any) -> str:
    """Return the address; only a provider that is itself reached without TLS, on this machine, may name such ones."""
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
