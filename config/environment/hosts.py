"""Host names, origins and networks, as requests contain them: an entry in another form would never match."""

import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network
from urllib.parse import urlsplit

import idna
from pydantic import AfterValidator

from apps.core.values.ip_addresses import unmapped_network

DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://([^/?#\\@\s]+)", re.IGNORECASE)
_HOST = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?|\[[0-9a-f:.]+\]")


def each(canonical: Callable[[str], str], expectation: str) -> AfterValidator:
    """Return a validator that makes each entry canonical. Its error has the entry's number, and not the value."""

    def check(entries: list[str]) -> list[str]:
        return [_checked(canonical, number, entry, expectation) for number, entry in enumerate(entries, start=1)]

    return AfterValidator(check)


def canonical_host(value: str) -> str:
    """Return the host as `Host` headers have it: lower case, IDNA, brackets around IPv6. Raises ValueError."""
    host = value.lower().removesuffix(".")
    if ":" in host and not host.startswith("["):
        host = f"[{IPv6Address(host)}]"
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    if not _HOST.fullmatch(host):
        raise ValueError("is not a host")
    if host.startswith("["):
        return f"[{IPv6Address(host[1:-1])}]"
    return host


def allowed_host(value: str) -> str:
    """Return an entry of ALLOWED_HOSTS: a host, `.example.com` for a domain with all below it, or `*`."""
    if value == "*":
        return value
    return "." + canonical_host(value[1:]) if value.startswith(".") else canonical_host(value)


def canonical_origin(value: str) -> str:
    """Return the origin as browsers send it (RFC 6454, 6.2): lower case, without a default port. Raises ValueError."""
    found = _ORIGIN.fullmatch(value)
    if found is None:
        raise ValueError("is not an origin")
    return f"{found[1].lower()}://{_netloc(found[2], found[1].lower())}"


def canonical_url(value: str) -> str:
    """Return the URL with the canonical origin, and its path unchanged."""
    parts = urlsplit(value)
    return parts._replace(netloc=_netloc(parts.netloc, parts.scheme)).geturl() if value else value


def proxy_network(value: str) -> str:
    """Return an entry of TRUSTED_PROXIES; an IPv4-mapped network becomes IPv4, as addresses do. Raises ValueError."""
    network = unmapped_network(ip_network(value))
    if network.prefixlen == 0 or "%" in value:  # ::ffff:0:0/96 is 0.0.0.0/0
        raise ValueError("trusts every client, or a zone")
    return str(network)


def _netloc(netloc: str, scheme: str) -> str:
    parts = urlsplit(f"//{netloc}")
    if "@" in netloc or netloc.endswith(":") or parts.port == 0:
        raise ValueError("has a user, or no port")
    host = canonical_host(netloc if parts.port is None else netloc.rpartition(":")[0])
    return host if parts.port in {None, DEFAULT_PORTS[scheme]} else f"{host}:{parts.port}"


def _checked(canonical: Callable[[str], str], number: int, entry: str, expectation: str) -> str:
    try:
        return canonical(entry)
    except ValueError:  # idna's errors are too
        raise ValueError(f"entry {number} is not {expectation}") from None
