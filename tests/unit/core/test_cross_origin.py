"""CORS and the security headers."""

import pytest

from apps.core.http.asgi import header
from apps.core.http.browser_headers import cross_origin_headers, is_preflight, preflight_headers, security_headers
from apps.core.http.http_settings import HttpSettings

pytestmark = pytest.mark.unit

ALLOWED = "https://app.example.com"
SETTINGS = HttpSettings(allowed_origins=frozenset({ALLOWED}))


def scope_of(method="GET", **headers):
    return {"method": method, "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()]}


def test_first_header_with_the_name_is_returned():
    scope = {"headers": [(b"a", b"1"), (b"b", b"2"), (b"b", b"\xe9")]}
    assert header(scope, b"b") == "2"
    assert header(scope, b"c") is None


@pytest.mark.parametrize(
    ("method", "headers", "preflight"),
    [
        ("OPTIONS", {"access_control_request_method": b"POST"}, True),
        ("OPTIONS", {}, False),
        ("POST", {"access_control_request_method": b"POST"}, False),
    ],
)
def test_preflight_is_recognised(method, headers, preflight):
    assert is_preflight(scope_of(method, **headers)) is preflight


def test_preflight_of_allowed_origin_lists_methods_and_headers():
    assert preflight_headers(scope_of(origin=ALLOWED.encode()), SETTINGS) == {
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": (
            "Authorization, Content-Type, Idempotency-Key, If-Match, X-API-Key, X-Request-ID"
        ),
        "Access-Control-Max-Age": "600",
    }


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example.com",
        b"https://app.example.com.evil.net",
        b"http://app.example.com",
        b"https://app.example.com:8443",
        b"null",
        b"",
    ],
)
def test_other_origins_are_not_allowed(origin):
    scope = scope_of(origin=origin)
    assert preflight_headers(scope, SETTINGS) == {}
    assert cross_origin_headers(scope, SETTINGS) == [(b"vary", b"Origin")]


def test_allowed_origin_may_read_without_credentials():
    headers = dict(cross_origin_headers(scope_of(origin=ALLOWED.encode()), SETTINGS))
    assert headers[b"access-control-allow-origin"] == ALLOWED.encode()
    assert b"X-Request-ID" in headers[b"access-control-expose-headers"]
    assert headers[b"vary"] == b"Origin"
    assert b"access-control-allow-credentials" not in headers


def test_no_headers_without_allowed_origins():
    assert cross_origin_headers(scope_of(origin=ALLOWED.encode()), HttpSettings()) == []
    assert preflight_headers(scope_of(origin=ALLOWED.encode()), HttpSettings()) == {}


@pytest.mark.parametrize(
    ("scheme", "value", "sent"),
    [("https", "max-age=60", b"max-age=60"), ("https", "", None), ("http", "max-age=60", None)],
)
def test_hsts_is_sent_over_https_where_it_is_set(scheme: str, value: str, sent: bytes | None):
    headers = security_headers({"scheme": scheme}, HttpSettings(strict_transport_security=value))
    assert dict(headers).get(b"strict-transport-security") == sent


def test_csp_allows_only_own_content():
    policy = dict(security_headers({"scheme": "http"}, HttpSettings()))[b"content-security-policy"].decode()
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "http" not in policy
