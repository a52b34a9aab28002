"""The headers that every answer of the client door carries."""

from apps.core.http.asgi_types import Headers

HSTS_SECONDS = 365 * 24 * 3600
# The pages behind this door, the documentation and those that mails lead to, have scripts and styles of Keyhouse's own.
# Swagger UI sets inline styles too, and draws its icons from data: addresses.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def security_headers(*, https_only: bool) -> Headers:
    """Return the security headers, encoded once; HSTS (RFC 6797) only where HTTPS is promised."""
    headers = [
        (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]
    if https_only:
        headers.append((b"strict-transport-security", f"max-age={HSTS_SECONDS}; includeSubDomains; preload".encode()))
    return headers
