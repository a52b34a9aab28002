"""Passkeys: their domain, and the origins of the pages that may use them."""

import re
from collections.abc import Sequence
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from config.environment.addresses import LOOPBACK, AddressSettings, reachable
from config.environment.hosts import canonical_origin, each
from config.environment.variables import CommaSeparated

_domain = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_android_app = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")


def passkey_domain(value: str) -> str:
    """Return the domain (the RP ID of WebAuthn), which may be empty; raises ValueError unless it is a domain."""
    if value and not _domain.fullmatch(value):
        raise ValueError("is not a domain such as example.com")
    return value


def _passkey_origin(value: str) -> str:
    return value if _android_app.fullmatch(value) else canonical_origin(value)


Domain = Annotated[str, AfterValidator(passkey_domain)]


class PasskeySettings(AddressSettings):
    """The domain and the origins. By default they are derived from the URLs of Keyhouse and the application."""

    passkey_domain: Domain = ""
    passkey_origins: Annotated[CommaSeparated, each(_passkey_origin, "an origin such as https://app.example.com")] = []

    @property
    def passkeys_domain(self) -> str:
        """The domain of passkeys."""
        return self.passkey_domain or default_domain(self.own_url, self.links_url)

    @property
    def passkeys_origins(self) -> list[str]:
        """The origins of the pages that may use passkeys."""
        return self.passkey_origins or default_origins(self.passkeys_domain, self.own_url, self.links_url)

    @model_validator(mode="after")
    def _origins_are_within_the_domain(self) -> Self:
        if not self.passkeys_origins:
            raise ValueError("PASSKEY_DOMAIN: PUBLIC_URL and APPLICATION_URL are not within it; set PASSKEY_ORIGINS")
        number = foreign_origin(self.passkey_origins, self.passkeys_domain)
        if number:
            raise ValueError(f"PASSKEY_ORIGINS: entry {number} is not an origin within {self.passkeys_domain}")
        return self


def default_domain(own_url: str, application_url: str) -> str:
    """Return Keyhouse's own domain if the application's lies within it, else the application's."""
    own, application = _host(own_url), _host(application_url)
    return own if lies_within(application, own) else application


def default_origins(domain: str, own_url: str, application_url: str) -> list[str]:
    """Return the origins of those of the two URLs that lie within the domain."""
    origins = dict.fromkeys(_origin(url) for url in (own_url, application_url) if lies_within(_host(url), domain))
    return list(origins)


def foreign_origin(origins: Sequence[str], domain: str) -> int | None:
    """Return the number, counted from 1, of the first entry that is not an origin within the domain, or None.

    Android apps have origins of their own, which belong to no domain.
    """
    for number, origin in enumerate(origins, start=1):
        if _android_app.fullmatch(origin):
            continue
        if not lies_within(_host(origin), domain):
            return number
    return None


def lies_within(host: str, domain: str) -> bool:
    """Return whether the host is the domain, or below it."""
    return host == domain or host.endswith(f".{domain}")


def _host(url: str) -> str:
    # Browsers do not accept an IP address as a domain; the loopback address has the name localhost.
    host = urlsplit(url).hostname or ""
    return "localhost" if host in LOOPBACK else host


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{reachable(_host(url))}{port}"
