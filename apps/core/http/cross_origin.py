"""Cross-origin requests (the Fetch standard's CORS): only the operator's named origins, never with cookies."""

from http import HTTPMethod

from apps.core.http.asgi_headers import header
from apps.core.http.asgi_types import Headers, Scope
from apps.core.http.http_settings import HttpSettings

ALLOWED_METHODS = "GET, POST, PATCH, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, X-API-Key, X-Request-ID"
EXPOSED_HEADERS = (
    b"X-Request-ID, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    b"RateLimit, RateLimit-Policy"
)
PREFLIGHT_SECONDS = 600


def is_preflight(scope: Scope) -> bool:
    """Return whether a browser asks what it may send before it sends it."""
    return scope["method"] == HTTPMethod.OPTIONS and header(scope, b"access-control-request-method") is not None


def preflight_headers(scope: Scope, settings: HttpSettings) -> dict[str, str]:
    """Return what an allowed origin may send; nothing for any other."""
    if header(scope, b"origin") not in settings.allowed_origins:
        return {}
    return {
        "Access-Control-Allow-Methods": ALLOWED_METHODS,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


def cross_origin_headers(scope: Scope, settings: HttpSettings) -> Headers:
    """Return the headers that let an allowed origin read the answer."""
    if not settings.allowed_origins:
        return []
    headers: Headers = [(b"vary", b"Origin")]
    origin = header(scope, b"origin")
    if origin in settings.allowed_origins:
        headers.append((b"access-control-allow-origin", origin.encode("latin1")))
        headers.append((b"access-control-expose-headers", EXPOSED_HEADERS))
    return headers
