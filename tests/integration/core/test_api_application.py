"""Properties of all responses of the API application, and the requests that it rejects."""

import httpx
import pytest

from apps.core.http.api_application import ApiApplication
from apps.core.http.http_settings import HttpSettings
from apps.core.http.root_application import RootApplication
from apps.users.models import User
from config.asgi import application
from tests.support.accounts import customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key
from tests.support.orm import make, rows
from tests.support.served import Logged, RecordedLog

USERS = "/api/v1/users"
MISSPELLED = ("9_6", "096", "%2B96", "%2096", "96%20", "96.0", "%D9%A9%D9%A6", "9%0A6")
ORIGIN = "https://app.example.com"
CONTENT_TYPES = {"application/json; charset=utf-8", "text/html; charset=utf-8", "text/plain; charset=utf-8"}
NEW = {"email": "ann@example.com", "username": "ann", "password": PASSWORD}


def client_of(
    settings: HttpSettings, peer: str = "127.0.0.1", access_log: RecordedLog | None = None
) -> httpx.AsyncClient:
    """Return a client at the address `peer`, of an API application with these settings."""
    root = RootApplication(ApiApplication(settings), application, settings, access_log=access_log)
    return httpx.AsyncClient(transport=httpx.ASGITransport(root, client=(peer, 7)), base_url="http://k.localhost")


async def send_raw(
    client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send the method as it is written; httpx converts it to upper case."""
    request = client.build_request("GET", path, headers=headers)
    request.method = method
    return await client.send(request)


@pytest.mark.parametrize("path", ["/health", "/api/v1/nothing", USERS, "/docs", "/.well-known/jwks.json"])
async def test_every_response_has_request_id_and_security_headers(api: httpx.AsyncClient, path: str):
    headers = (await api.get(path)).headers
    assert len(headers["x-request-id"]) == 32
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["content-type"] in CONTENT_TYPES
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
    assert "set-cookie" not in headers
    assert headers["cache-control"] == "no-store" or not path.startswith("/api/")


async def test_safe_request_id_is_returned(api: httpx.AsyncClient):
    response = await api.get("/api/v1/nothing", headers={"X-Request-ID": "mine-1"})
    assert_error(response, 404, "NOT_FOUND")
    assert response.headers["x-request-id"] == "mine-1"


async def test_admin_application_returns_the_request_id(api: httpx.AsyncClient):
    response = await api.get("/admin/", headers={"X-Request-ID": "mine-2"})
    assert response.headers.get_list("x-request-id") == ["mine-2"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/admin/login/", 200),
        ("GET", "/admin/", 302),
        ("GET", "/nothing", 404),
        ("DELETE", "/admin/login/", 405),
        ("POST", "/admin/login/", 403),  # without a CSRF token
        ("GET", "/admin/login/?a=%00", 400),
    ],
)
async def test_every_page_has_security_headers(api: httpx.AsyncClient, method: str, path: str, status: int):
    response = await api.request(method, path)
    assert response.status_code == status
    headers = dict(response.headers)  # would join two headers of one name by a comma
    assert headers["content-type"] in CONTENT_TYPES
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert all(part in policy for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"))
    assert "http" not in policy
    assert status != 200 or "no-store" in headers["cache-control"]


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
async def test_head_has_the_headers_of_get(api: httpx.AsyncClient, path: str):
    whole, head = await api.get(path), await api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["content-type"] == whole.headers["content-type"]


async def test_head_of_missing_resource_has_no_body(api: httpx.AsyncClient):
    response = await api.head("/api/v1/nothing")
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1", "/api/v2/users", f"{USERS}/", "/api//v1/users", "/healthy", "/api/v1/users/%2e%2e/x"]
)
async def test_unknown_path_is_404(api: httpx.AsyncClient, path: str):
    assert_error(await api.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", USERS, {"GET", "POST"}),
        ("PUT", f"{USERS}/me", {"GET", "PATCH"}),
        ("GET", "/api/v1/auth/login", {"POST"}),
        ("POST", "/health", {"GET"}),
        ("OPTIONS", USERS, {"GET", "POST"}),
        ("BREW", USERS, {"GET", "POST"}),
        ("get", "/health", {"GET"}),
        ("Post", USERS, {"GET", "POST"}),
        ("patch", f"{USERS}/me", {"GET", "PATCH"}),
        ("get", "/docs", {"GET", "HEAD"}),
        ("get", "/.well-known/jwks.json", {"GET"}),
        ("post", "/api/v1/oauth/token", {"POST"}),
    ],
)
async def test_405_lists_allowed_methods(api: httpx.AsyncClient, method: str, path: str, allowed: set[str]):
    response = await send_raw(api, method, path)
    assert_error(response, 405, "METHOD_NOT_ALLOWED")
    assert {name.strip() for name in response.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 10 * 1024 * 1024])
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "chunked"])
async def test_large_body_is_rejected(api: httpx.AsyncClient, size: int, is_declared: bool):
    async def chunks():
        for _ in range(0, size, 65536):
            yield b" " * 65536

    content = b" " * size if is_declared else chunks()
    response = await api.post(USERS, content=content, headers={"Content-Type": "application/json"})
    assert_error(response, 413, "PAYLOAD_TOO_LARGE")
    assert await rows(User.objects.all()) == []


async def test_body_of_maximum_size_is_accepted(api: httpx.AsyncClient):
    me = await customer()
    body = b'{"name": 1}'.ljust(1024 * 1024)
    response = await api.post(
        "/api/v1/api-keys", content=body, headers=me.headers | {"Content-Type": "application/json"}
    )
    assert_error(response, 422, "VALIDATION_FAILED", field="name")


async def test_anonymous_body_has_a_smaller_limit(api: httpx.AsyncClient):
    body = b'{"email": "a"}'.ljust(128 * 1024)
    read, refused = [
        await api.post(USERS, content=content, headers={"Content-Type": "application/json"})
        for content in (body, body + b" ")
    ]
    assert_error(read, 422, "VALIDATION_FAILED", field="email")
    assert_error(refused, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "MALFORMED_REQUEST"),
        (b"", "application/json", 422, "VALIDATION_FAILED"),
        (b'{"email": "\xff"}', "application/json", 400, "MALFORMED_REQUEST"),
        (b'{"email": "\\ud800@example.com"}', "application/json", 400, "MALFORMED_REQUEST"),
        (b"[]", "application/json", 422, "VALIDATION_FAILED"),
        (b"null", "application/json", 422, "VALIDATION_FAILED"),
        (b'"text"', "application/json", 422, "VALIDATION_FAILED"),
        (b"email=a", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"[" * 100_000, "application/json", 400, "MALFORMED_REQUEST"),
    ],
    ids=lambda value: repr(value)[:24],
)
async def test_malformed_body_is_rejected(api: httpx.AsyncClient, body, content_type, status, code):
    assert_error(await api.post(USERS, content=body, headers={"Content-Type": content_type}), status, code)
    assert await rows(User.objects.all()) == []


async def test_url_with_invalid_utf_8_is_rejected(api: httpx.AsyncClient):
    for path in (f"{USERS}/%ff", f"{USERS}?search=%ff", f"{USERS}?search=%ED%A0%80"):
        assert_error(await api.get(path), 400, "MALFORMED_REQUEST")


async def test_content_length_that_is_not_a_number_is_rejected(api: httpx.AsyncClient):
    for length, status, code in (("x", 400, "MALFORMED_REQUEST"), ("9" * 5000, 413, "PAYLOAD_TOO_LARGE")):
        headers = {"Content-Length": length, "Content-Type": "application/json"}
        assert_error(await api.post(USERS, content=b"{}", headers=headers), status, code)


@pytest.mark.parametrize("user_id", [2**63, 2**64, 10**40, 0, -1, "x", "1.5", "%00", *MISSPELLED])
async def test_invalid_id_in_path_is_rejected(api: httpx.AsyncClient, user_id: object):
    me = await customer()
    response = await api.get(f"{USERS}/{user_id}", headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field="user_id")


async def test_misspelled_id_changes_nothing(api: httpx.AsyncClient):
    me = await customer()
    await make(make_key, me.user, id=96)
    for spelling in MISSPELLED:
        response = await api.delete(f"/api/v1/api-keys/{spelling}", headers=me.headers)
        assert_error(response, 422, "VALIDATION_FAILED", field="key_id")
    assert (await send_raw(api, "delete", "/api/v1/api-keys/96", me.headers)).status_code == 405
    assert (await api.get("/api/v1/api-keys/96", headers=me.headers)).json()["is_active"] is True


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "size=0", "size=101", f"page={2**64}", "page=%00", "page=1_0", "page=%2B1",
     "page=01", "page=1.0", "size=%201", "page=%D9%A1"],
)  # fmt: skip
async def test_invalid_page_is_rejected(api: httpx.AsyncClient, query: str):
    me = await customer()
    response = await api.get(f"{USERS}?{query}", headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field=query.partition("=")[0])


async def test_allowed_origin_gets_cors_headers(database):
    async with client_of(HttpSettings(allowed_origins=frozenset({ORIGIN}))) as client:
        preflight_headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        preflight = await client.options(USERS, headers=preflight_headers)
        actual = await client.get("/health", headers={"Origin": ORIGIN})
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert "content-length" not in preflight.headers
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert actual.headers["access-control-allow-origin"] == ORIGIN
    assert actual.headers["vary"] == "Origin"


async def test_other_origin_gets_no_cors_headers(database):
    async with client_of(HttpSettings(allowed_origins=frozenset({ORIGIN}))) as client:
        preflight_headers = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}
        preflight = await client.options(USERS, headers=preflight_headers)
        actual = await client.get("/health", headers={"Origin": "https://evil.example.com"})
    assert preflight.status_code == 204
    for response in (preflight, actual):
        assert not [name for name in response.headers if name.startswith("access-control-")]


async def test_hsts_header_is_sent_with_every_response_over_https(database):
    async with client_of(HttpSettings(strict_transport_security="max-age=31536000", https_only=True)) as client:
        for path in ("/health", "/api/v1/missing"):
            secure = await client.get(f"https://k.localhost{path}")
            assert secure.headers["strict-transport-security"] == "max-age=31536000"
            assert "strict-transport-security" not in (await client.get(path)).headers


async def test_access_log_has_client_and_no_query(database):
    settings, log = HttpSettings(body_bytes_maximum=10), RecordedLog()
    async with client_of(settings, "192.0.2.9", log) as client:
        response = await client.get("/health?key=hunter2", headers={"X-Request-ID": "mine-3"})
    assert response.status_code == 422
    assert log.requests == [Logged("GET", "/health", 422, "mine-3", "192.0.2.9")]


async def test_path_cannot_forge_access_log_lines(database):
    log = RecordedLog()
    async with client_of(HttpSettings(), access_log=log) as client:
        await client.get("/api/%0D%0AGET%20/admin%E2%80%A8%C3%A4")
    assert log.lines == [("GET", "/api/%0D%0AGET%20/admin%E2%80%A8%C3%A4", 404)]
