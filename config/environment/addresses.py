"""URLs: of Keyhouse itself, of the application that links lead to, and of the issuer of tokens."""

import re
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, model_validator

from apps.core.crypto.signing_algorithms import SigningAlgorithm
from config.environment.hosts import canonical_url
from config.environment.server import ServerSettings
from config.environment.variables import CommaSeparated

ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!$-;=?-_a-z~]+")  # RFC 8707, 2
LOOPBACK = frozenset({"127.0.0.1", "::1"})
EVERY_INTERFACE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  compared, not bound


def base_url(value: str) -> str:
    """Return the absolute http or https URL, to which paths are appended; it may be empty.

    Raises ValueError, without the value, unless it has a host, and neither user, query, fragment nor trailing slash.
    """
    if value and not _is_base(value):
        raise ValueError(
            "must be a URL such as https://api.example.com, without user, query, fragment or slash at its end"
        )
    return value


def _resources(value: list[str]) -> list[str]:
    for number, resource in enumerate(value, start=1):
        if not ABSOLUTE_URI.fullmatch(resource):
            raise ValueError(
                f"entry {number} must be an absolute URI without a fragment, such as https://api.example.com"
            )
    return value


def reachable(host: str) -> str:
    """Return the host, in URL syntax, at which a browser reaches a server that listens on `host`.

    On this machine it is `localhost`: browsers accept no IP address as the domain of a passkey (WebAuthn, 5.1.3).
    """
    if host in EVERY_INTERFACE | LOOPBACK:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def own_base_url(value: str) -> str:
    """Return the URL of Keyhouse itself, unchanged. Raises ValueError if it has a path."""
    if urlsplit(value).path:
        raise ValueError("must not have a path: Keyhouse serves from the root of a host, and needs one of its own")
    return value


BaseUrl = Annotated[str, AfterValidator(base_url)]
CanonicalUrl = Annotated[BaseUrl, AfterValidator(canonical_url)]


class AddressSettings(ServerSettings):
    """The URLs. By default PUBLIC_URL is derived from the hosts, and the others from PUBLIC_URL."""

    public_url: Annotated[CanonicalUrl, AfterValidator(own_base_url)] = ""
    application_url: CanonicalUrl = ""
    token_issuer: BaseUrl = ""
    token_audience: str = "keyhouse"
    token_resources: Annotated[CommaSeparated, AfterValidator(_resources)] = []
    token_signing_algorithm: SigningAlgorithm = SigningAlgorithm.EDDSA

    @property
    def own_url(self) -> str:
        """The URL of Keyhouse itself, without a trailing slash."""
        if self.public_url:
            return self.public_url
        if self.is_production:
            return f"https://{self.allowed_hosts[0]}"
        return f"http://{reachable(self.host)}:{self.port}"

    @property
    def issuer_url(self) -> str:
        """The issuer in tokens, at which clients look up the metadata."""
        return self.token_issuer or self.own_url

    @property
    def links_url(self) -> str:
        """The URL of the application that links in mail lead to, without a trailing slash."""
        return self.application_url or self.own_url

    @model_validator(mode="after")
    def _production_has_safe_addresses(self) -> Self:
        if not self.is_production:
            return self
        if not self.public_url and self.allowed_hosts[0].startswith("."):
            raise ValueError("PUBLIC_URL must be set when ALLOWED_HOSTS begins with a domain such as .example.com")
        for name in ("public_url", "application_url", "token_issuer"):
            if self.serves_https_only and getattr(self, name).startswith("http:"):
                raise ValueError(f"{name.upper()} must begin with https:// in production, unless HTTPS_ONLY=false")
        return self


def _is_base(value: str) -> bool:
    if not re.fullmatch(r"[!-~]+", value) or any(mark in value for mark in "?#@\\<>\"'") or value.endswith("/"):
        return False
    try:
        return _has_host(urlsplit(value))
    except ValueError:  # an invalid port or IPv6 address
        return False


def _has_host(parts: SplitResult) -> bool:
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
