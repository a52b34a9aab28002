"""What the head of a request must fulfil before its body is read, for every application and the fast path.

Sources: RFC 9112, 3.2 (Host) and 6.1 (Transfer-Encoding), RFC 9110, 8.4 (Content-Encoding) and 8.6 (Content-Length).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.http.request import split_domain_port, validate_host

from apps.core.errors import HttpsRequired, MalformedRequest, UnsupportedContentCoding
from apps.core.http.asgi import Scope
from apps.core.http.http_settings import HttpSettings

# Load balancers and orchestrators probe a machine by its address, over plain HTTP. The responses depend on neither.
PROBES = frozenset({"/health", "/health/ready"})
STATIC_PREFIX = "/static/"
PAGE_PREFIXES = ("/account/", "/docs", STATIC_PREFIX)  # opened by browsers, which follow a redirect
HOST_LENGTH_MAXIMUM = 255 + len(":65535")
CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"cookie"})
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
    if len(hosts[0]) > HOST_LENGTH_MAXIMUM or not _is_served(hosts[0], allowed):
        raise MalformedRequest("The Host header does not name a host that is served here.")


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
