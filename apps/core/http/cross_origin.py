"""Cross-origin requests (CORS in the Fetch standard): only from configured origins, and never with cookies."""

from http import HTTPMethod

from apps.core.http.asgi import Headers, Scope, header
from apps.core.http.http_settings import HttpSettings

ALLOWED_METHODS = "GET, POST, PATCH, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, X-API-Key, X-Request-ID"
EXPOSED_HEADERS = (
    b"X-Request-ID, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    b"RateLimit, RateLimit-Policy"
)
PREFLIGHT_SECONDS = 600


def is_preflight(scope: Scope) -> bool:
    """Return whether the request is a CORS preflight request."""
    return scope["method"] == HTTPMethod.OPTIONS and header(scope, b"access-control-request-method") is not None


def preflight_headers(scope: Scope, settings: HttpSettings) -> dict[str, str]:
    """Return the response headers to a preflight request. They are empty unless its origin is allowed."""
    if header(scope, b"origin") not in settings.allowed_origins:
        return {}
    return {
        "Access-Control-Allow-Methods": ALLOWED_METHODS,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }


def cross_origin_headers(scope: Scope, settings: HttpSettings) -> Headers:
    """Return the headers that allow scripts of an allowed origin to read the response."""
    if not settings.allowed_origins:
        return []
    headers: Headers = [(b"vary", b"Origin")]
    origin = header(scope, b"origin")
    if origin in settings.allowed_origins:
        headers.append((b"access-control-allow-origin", origin.encode("latin1")))
        headers.append((b"access-control-expose-headers", EXPOSED_HEADERS))
    return headers
