"""Malformed or unknown paths, queries, methods and headers."""

import httpx
import pytest

from tests.support.assertions import assert_error
from tests.support.people import Person
from tests.support.raw_http import exchange, message
from tests.support.server import Server
from tests.support.untouched import untouched

KEYS = "/api/v1/api-keys"

IDS = [
    "9223372036854775808", "1" + "0" * 40, "9" * 5000, "0", "-1", "abc", "1.5", "1e3", "%00", "1%00", "٣٣x", "null",
    "1_0", "01", "%2B1", "%201", "1%20", "1.0", "٩٦",
]  # fmt: skip
QUERIES = {
    "negative page": ("page=-1", "page"),
    "page nought": ("page=0", "page"),
    "endless page": ("page=" + "9" * 5000, "page"),
    "page beyond 64 bits": ("page=9223372036854775808", "page"),
    "page beyond double": ("page=1e400", "page"),
    "infinite page": ("page=Infinity", "page"),
    "page of text": ("page=one", "page"),
    "empty page": ("page=", "page"),
    "page with nul": ("page=1%00", "page"),
    "size nought": ("size=0", "size"),
    "large size": ("size=101", "size"),
    "negative size": ("size=-5", "size"),
    "page with an underscore": ("page=1_0", "page"),
    "page with a sign": ("page=%2B1", "page"),
    "page with a leading zero": ("page=01", "page"),
    "page of other digits": ("page=%D9%A1", "page"),
    "unknown parameter": ("pgae=1", "pgae"),
    "repeated parameter": ("page=1&page=2", "page"),
}


@pytest.mark.parametrize("number", IDS)
@pytest.mark.parametrize("path", [KEYS, "/api/v1/users", "/api/v1/auth/sessions"])
def test_malformed_id_is_rejected(server: Server, person: Person, path: str, number: str):
    with untouched(server):
        answer = person.client.delete(f"{path}/{number}", headers=person.headers)
    assert_error(answer, 422, "VALIDATION_FAILED")


@pytest.mark.parametrize(("query", "field"), QUERIES.values(), ids=QUERIES.keys())
def test_malformed_page_number_is_rejected(server: Server, person: Person, query: str, field: str):
    with untouched(server):
        answer = person.client.get(f"{KEYS}?{query}", headers=person.headers)
    assert_error(answer, 422, "VALIDATION_FAILED", field)


def test_page_beyond_the_last_is_empty(person: Person):
    answer = person.client.get(f"{KEYS}?page=1000000&size=100", headers=person.headers)
    assert answer.status_code == 200
    assert answer.json() == {"items": [], "total": 0, "page": 1000000, "size": 100, "pages": 0}


@pytest.mark.parametrize("search", ["%00", "a%00b"])
def test_nul_in_a_query_is_handled(server: Server, client: httpx.Client, administrator: dict[str, str], search: str):
    with untouched(server):
        answer = client.get(f"/api/v1/users?search={search}", headers=administrator)
    assert_error(answer, 422, "VALIDATION_FAILED", "search")


@pytest.mark.parametrize("search", ["%ff", "%c0%af", "%ed%a0%80", "ok&search=%ff"])
def test_invalid_utf8_in_a_query_is_handled(
    server: Server, client: httpx.Client, administrator: dict[str, str], search: str
):
    with untouched(server):
        answer = client.get(f"/api/v1/users?search={search}", headers=administrator)
    assert_error(answer, 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("search", ["%25", "_", "%5C", "%27%3B--", "%F0%9F%92%A9"])
def test_search_is_literal(client: httpx.Client, administrator: dict[str, str], search: str):
    answer = client.get(f"/api/v1/users?search={search}nobody-has-this", headers=administrator)
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize("path", ["/api/v1/%ff", "/api/v1/users/%c0%af", "/health%ff"])
def test_invalid_utf8_in_a_path_is_handled(server: Server, person: Person, path: str):
    with untouched(server):
        answer = person.client.get(path, headers=person.headers)
    assert_error(answer, 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("line", [b"GET /api/v1/users/\xff", b"GET /api/v1/users?search=\xff", b"GET /api/v1/\x00"])
def test_invalid_bytes_are_rejected(server: Server, line: bytes):
    with untouched(server):
        answer = exchange(server.url, message(line))
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/v1", "/api/v1/nothing", "/api/v2/users", f"{KEYS}/", f"{KEYS}/1/nothing", "/api/v1/users/me/",
     "/healthy", "/health/", "/.well-known/nothing", "/api//v1/users", "/api/v1/%2e%2e/admin", "/api/v1/nothing%00"],
)  # fmt: skip
def test_unknown_path_is_not_found(server: Server, person: Person, path: str):
    with untouched(server):
        answer = person.client.get(path, headers=person.headers)
    assert_error(answer, 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", KEYS, {"GET", "POST"}),
        ("DELETE", KEYS, {"GET", "POST"}),
        ("GET", "/api/v1/keys/verify", {"POST"}),
        ("HEAD", "/api/v1/keys/verify", {"POST"}),
        ("TRACE", "/health", {"GET"}),
        ("POST", "/health", {"GET"}),
        ("POST", "/openapi.json", {"GET"}),
        ("POST", "/docs", {"GET"}),
        ("DELETE", "/.well-known/jwks.json", {"GET"}),
        ("OPTIONS", KEYS, {"GET", "POST"}),
        ("BREW", KEYS, {"GET", "POST"}),
        ("PUT", "/api/v1/users/me", {"GET", "PATCH"}),
    ],
)
def test_unsupported_method_is_rejected(server: Server, person: Person, method: str, path: str, allowed: set[str]):
    with untouched(server):
        answer = person.client.request(method, path, headers=person.headers)
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert allowed <= set(answer.headers["allow"].replace(" ", "").split(","))


@pytest.mark.parametrize("path", [b"/health", b"/none", b"/admin/login/", b"/static/none", b"/\xff", b"no path"])
def test_responses_name_no_version(server: Server, path: bytes):
    answer = exchange(server.url, message(b"GET " + path))
    assert not {"server", "via", "x-powered-by"} & set(answer.headers)


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/openapi.json", "/docs", "/api/v1/users/me", KEYS])
def test_head_is_get_without_body(server: Server, person: Person, path: str):
    with untouched(server):
        head = person.client.head(path, headers=person.headers)
        get = person.client.get(path, headers=person.headers)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))
    assert head.headers["content-type"] == get.headers["content-type"]


def test_preflight_of_a_foreign_origin_allows_nothing(server: Server, client: httpx.Client):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    with untouched(server):
        answer = client.options(KEYS, headers=asked)
    assert answer.status_code == 204
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "-1"}, {"Content-Length": "abc"}, {"Content-Length": "9" * 30},
        {"Transfer-Encoding": "gzip"}, {"Transfer-Encoding": "chunked, gzip"},
    ],
)  # fmt: skip
def test_malformed_content_length_is_rejected(server: Server, service: dict[str, str], headers: dict[str, str]):
    sent = {**service, "Content-Type": "application/json", **headers}
    with untouched(server):
        answer = exchange(server.url, message(b"POST /api/v1/keys/verify", sent))
    assert answer.status_code in {400, 413}


def test_two_content_lengths_are_rejected(server: Server, service: dict[str, str]):
    sent = {**service, "Content-Type": "application/json", "Content-Length": "5", "Transfer-Encoding": "chunked"}
    with untouched(server):
        answer = exchange(server.url, message(b"POST /api/v1/keys/verify", sent) + b"0\r\n\r\n")
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    "hosts",
    [b"", b"Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", b"Host: evil.example\r\n", b"Host: \r\n", b"Host: a b\r\n"],
    ids=["none", "two", "another", "empty", "two words"],
)
@pytest.mark.parametrize("path", [b"/api/v1/users/me", b"/.well-known/jwks.json", b"/admin/login/", b"/static/a"])
def test_host_that_is_not_served_is_rejected(server: Server, path: bytes, hosts: bytes):
    answer = exchange(server.url, b"GET " + path + b" HTTP/1.1\r\n" + hosts + b"connection: close\r\n\r\n")
    assert answer.status_code == 400
    if path.startswith((b"/api", b"/.well-known")):
        assert_error(answer, 400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("method", [b"delete", b"Delete", b"dELETE"])
def test_methods_are_case_sensitive(server: Server, person: Person, method: bytes):
    created = person.client.post(KEYS, json={"name": "key"}, headers=person.headers).json()
    path = f"{KEYS}/{created['id']}"
    with untouched(server):
        answer = exchange(server.url, message(method + b" " + path.encode(), person.headers))
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert person.client.get(path, headers=person.headers).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_compressed_bodies_are_rejected(server: Server, service: dict[str, str], coding: str):
    sent = {**service, "Content-Type": "application/json", "Content-Encoding": coding}
    with untouched(server):
        answer = exchange(server.url, message(b"POST /api/v1/keys/verify", sent, b'{"key": "k"}'))
    assert_error(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("request_id", ["a b", "x" * 65, "é", "<script>", ""])
def test_unsafe_request_id_is_replaced(client: httpx.Client, request_id: str):
    answer = client.get("/health", headers=[(b"x-request-id", request_id.encode())])
    assert answer.headers["x-request-id"] != request_id
    assert len(answer.headers["x-request-id"]) == 32


def test_safe_request_id_is_kept(client: httpx.Client):
    answer = client.get("/api/v1/users/me", headers={"X-Request-ID": "trace-1.2:3"})
    assert_error(answer, 401, "NOT_AUTHENTICATED")
    assert answer.headers["x-request-id"] == "trace-1.2:3"
