"""The security headers of every response of the API application."""

from apps.core.http.asgi import Headers

HSTS_SECONDS = 365 * 24 * 3600
# The HTML pages of the API application (the documentation, and the pages that mails link to) use only Keyhouse's own
# scripts and styles. Swagger UI also sets inline styles, and loads its icons from data: URLs.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def security_headers(*, https_only: bool) -> Headers:
    """Return the encoded security headers; with HSTS (RFC 6797) only if `https_only`."""
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
