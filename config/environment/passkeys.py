"""Where passkeys may be used: the domain that they are made for, and the origins of the pages that may ask for them."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from config.environment.web_address import reachable

LOOPBACK = frozenset({"127.0.0.1", "::1"})
_domain = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_page = re.compile(r"https?://[^/*\s@]+")
_android_app = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")


def passkey_domain(value: str) -> str:
    """Return the domain (an RP ID of WebAuthn), or an empty text for none; raises ValueError for what is no domain."""
    if value and not _domain.fullmatch(value):
        raise ValueError("is not a domain such as example.com")
    return value


def default_domain(own_url: str, application_url: str) -> str:
    """Return the domain that serves both addresses if one lies within the other, else the application's."""
    own, application = _host(own_url), _host(application_url)
    return own if lies_within(application, own) else application


def default_origins(domain: str, own_url: str, application_url: str) -> list[str]:
    """Return the origins of those of the two addresses that lie within the domain."""
    origins = dict.fromkeys(_origin(url) for url in (own_url, application_url) if lies_within(_host(url), domain))
    return list(origins)


def unfit_origin(origins: Sequence[str], domain: str) -> int | None:
    """Return the number, counted from 1, of the first that is no origin within the domain, or None.

    Programs on Android have origins of their own, which no domain vouches for.
    """
    for number, origin in enumerate(origins, start=1):
        if _android_app.fullmatch(origin):
            continue
        if not _page.fullmatch(origin) or not lies_within(_host(origin), domain):
            return number
    return None


def lies_within(host: str, domain: str) -> bool:
    """Return whether the host is the domain, or below it."""
    return host == domain or host.endswith(f".{domain}")


def _host(url: str) -> str:
    # Browsers take no bare address for a domain; that of this machine goes by its name.
    host = urlsplit(url).hostname or ""
    return "localhost" if host in LOOPBACK else host


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{reachable(_host(url))}{port}"
