"""Headers for browsers: security headers of every response, and CORS.

Cross-origin requests (CORS in the Fetch standard) come only from configured origins, and never with cookies.
"""

from http import HTTPMethod

from apps.core.http.asgi import Headers, Scope, header
from apps.core.http.http_settings import HttpSettings

ALLOWED_METHODS = "GET, POST, PATCH, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-API-Key, X-Request-ID"
EXPOSED_HEADERS = (
    b"ETag, X-Request-ID, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    b"RateLimit, RateLimit-Policy"
)
PREFLIGHT_SECONDS = 600
VARY_ORIGIN: Headers = [(b"vary", b"Origin")]
# The HTML pages of the API application (the documentation, and the pages that mails link to) use only Keyhouse's own
# scripts and styles. Swagger UI also sets inline styles, and loads its icons from data: URLs.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
# Pages of other origins embed no response, such as an image or a script. Scripts of CORS_ALLOWED_ORIGINS can read them.
CROSS_ORIGIN_RESOURCE_POLICY = (b"cross-origin-resource-policy", b"same-origin")
SECURITY_HEADERS: Headers = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    CROSS_ORIGIN_RESOURCE_POLICY,
]


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
    headers = [*VARY_ORIGIN]
    origin = header(scope, b"origin")
    if origin in settings.allowed_origins:
        headers.append((b"access-control-allow-origin", origin.encode("latin1")))
        headers.append((b"access-control-expose-headers", EXPOSED_HEADERS))
    return headers


def security_headers(scope: Scope, settings: HttpSettings) -> Headers:
    """Return the security headers of a response, over HTTPS with HSTS if a setting says so.

    A response over plain HTTP must not have HSTS (RFC 6797, 7.2).
    """
    if scope.get("scheme") != "https" or not settings.strict_transport_security:
        return SECURITY_HEADERS
    return [*SECURITY_HEADERS, (b"strict-transport-security", settings.strict_transport_security.encode())]
