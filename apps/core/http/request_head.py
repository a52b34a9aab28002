"""What the head of a request must fulfil before its body is read, for every application and inline operations.

Sources: RFC 9112, 3.2 (Host, absolute form) and 6.1 (Transfer-Encoding), RFC 9110, 7.8 (Upgrade), 8.4
(Content-Encoding) and 8.6 (Content-Length).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.http.request import split_domain_port, validate_host

from apps.core.errors import HttpsRequired, MalformedRequest, UnsupportedContentCoding
from apps.core.http.asgi import Headers, Scope
from apps.core.http.http_settings import HttpSettings

# Load balancers and orchestrators probe a machine by its address, over plain HTTP. The responses depend on neither.
PROBES = frozenset({"/health", "/health/ready"})
STATIC_PREFIX = "/static/"
PAGE_PREFIXES = ("/account/", "/docs", STATIC_PREFIX)  # opened by browsers, which follow a redirect
HOST_LENGTH_MAXIMUM = 255 + len(":65535")
CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"cookie"})
VERSIONS = frozenset({"1.0", "1.1"})
ABSOLUTE_FORM = re.compile(rb"https?://([^/?#@]+)(?=[/?]|$)", re.IGNORECASE)
CHECKED = frozenset({b"host", b"content-encoding", b"content-length", b"transfer-encoding"})


class RequestHead(NamedTuple):
    """The Content-Length, None if there is none, and whether the client claims to be authenticated."""

    content_length: bytes | None
    has_credential: bool


def checked_head(scope: Scope, settings: HttpSettings) -> RequestHead:
    """Return what reading the body depends on.

    Raises MalformedRequest for a Host that is missing, repeated or not served, and for a body whose end or coding is in
    doubt, and UnsupportedContentCoding.
    """
    found: dict[bytes, list[bytes]] = {}
    has_credential = False
    for name, value in scope["headers"]:
        if name in CHECKED:
            found.setdefault(name, []).append(value)
        elif name in CREDENTIALS:
            has_credential = True
    _require_host(scope, found.get(b"host", ()), settings.allowed_hosts)
    if b"content-encoding" in found:
        _require_no_coding(found[b"content-encoding"])
    if b"transfer-encoding" in found:
        _require_chunks_alone(found)
    lengths = found.get(b"content-length")
    return RequestHead(lengths[0] if lengths else None, has_credential)


def redirect_to_https(scope: Scope, settings: HttpSettings) -> HttpResponse | None:
    """Return the redirect of a page that was requested over plain HTTP, or None if the request may be served.

    Raises HttpsRequired for the API: a redirect would let a client go on sending its credential in clear.
    """
    if not settings.https_only or scope.get("scheme") == "https" or scope["path"] in PROBES:
        return None
    if not scope["path"].startswith(PAGE_PREFIXES) or scope["method"] not in {"GET", "HEAD"}:
        raise HttpsRequired
    host = next(value for name, value in scope["headers"] if name == b"host").decode("latin1")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    target = (scope.get("raw_path") or scope["path"].encode()) + query
    return HttpResponsePermanentRedirect(f"https://{host}{target.decode('latin1')}")


def _require_host(scope: Scope, hosts: Sequence[bytes], allowed: tuple[str, ...]) -> None:
    if scope["path"] in PROBES:
        # HTTP/1.0 has no Host header, and some load balancers probe by it.
        if len(hosts) > 1 or not (hosts or scope.get("http_version") == "1.0"):
            raise MalformedRequest("Send exactly one Host header.")
        return
    if len(hosts) != 1:
        raise MalformedRequest("Send exactly one Host header.")
    if not is_served(hosts[0], allowed):
        raise MalformedRequest("The Host header does not name a host that is served here.")


def is_served(host: bytes, allowed: tuple[str, ...]) -> bool:
    """Return whether the value of a Host header names a host that is served."""
    return len(host) <= HOST_LENGTH_MAXIMUM and _is_served(host, allowed)


def require_framing(version: str, headers: Headers, *, is_upgrade: bool) -> None:
    """Raise MalformedRequest for what llhttp accepts, and another server may read differently.

    That is a version before HTTP/1.0 or after 1.1, chunks in HTTP/1.0, and a request to upgrade with a body, which
    llhttp takes for the first bytes of the other protocol.
    """
    if version not in VERSIONS:
        raise MalformedRequest("Send the request by HTTP/1.1.")
    if version == "1.0" and any(name == b"transfer-encoding" for name, _ in headers):
        raise MalformedRequest("HTTP/1.0 has no Transfer-Encoding.")
    if is_upgrade and any(_announces_body(name, value) for name, value in headers):
        raise MalformedRequest("Send the request without Upgrade.")


def in_origin_form(target: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Return path and query of a target, and the headers with the host of a target in absolute form as their `Host`.

    A missing or repeated `Host` stays, and is an error in this form too. Raises MalformedRequest for other forms.
    """
    if target.startswith(b"/"):
        return target, headers
    found = ABSOLUTE_FORM.match(target)
    if found is None:
        raise MalformedRequest("The URL in the first line must begin with / or with http://.")
    rest = target[found.end() :]
    if sum(name == b"host" for name, _ in headers) == 1:
        headers = [(name, found[1] if name == b"host" else value) for name, value in headers]
    return rest if rest.startswith(b"/") else b"/" + rest, headers


def _announces_body(name: bytes, value: bytes) -> bool:
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")


@lru_cache(maxsize=256)
def _is_served(host: bytes, allowed: tuple[str, ...]) -> bool:
    domain, _port = split_domain_port(host.decode("latin1"))
    return bool(domain) and validate_host(domain, allowed)


def _require_no_coding(lines: Sequence[bytes]) -> None:
    if _codings(lines) - {b"identity", b""}:
        raise UnsupportedContentCoding


def _require_chunks_alone(found: Mapping[bytes, Sequence[bytes]]) -> None:
    # A proxy that reads the body by the other header would see another request in it.
    if b"content-length" in found:
        raise MalformedRequest("Send either Content-Length or Transfer-Encoding.")
    if _codings(found[b"transfer-encoding"]) != {b"chunked"}:
        raise MalformedRequest("Send the body without a Transfer-Encoding other than chunked.")


def _codings(lines: Sequence[bytes]) -> set[bytes]:
    return {coding.strip().lower() for line in lines for coding in line.split(b",")}
