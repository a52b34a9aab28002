"""What every request must fulfil before it is read: host, method, encoding, parameters, HTTPS; and the access log."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from apps.core.http.access_log import AccessLog
from apps.core.http.admin_application import AdminApplication
from apps.core.http.api_application import ApiApplication
from apps.core.http.asgi import Application, Message, Scope
from apps.core.http.http_settings import HttpSettings
from apps.core.http.root_application import RootApplication
from apps.core.http.static_application import StaticApplication
from config.api import openapi_bytes
from config.asgi import application, django
from tests.support.accounts import customer, superuser
from tests.support.assertions import assert_error
from tests.support.served import RecordedLog

HOSTS = ("keyhouse.localhost", ".keys.localhost")
REQUIRED_BY_SOME = f"return_to=https://app.example&code_challenge={'a' * 43}&state=active"
# One of each kind: the API, discovery, a page, the documentation, an operation of OAuth.
PATHS = ["/api/v1/users", "/.well-known/jwks.json", "/account/reset-password", "/docs", "/api/v1/oauth/token"]


def application_of(access_log: AccessLog | None = None, **settings: Any) -> RootApplication:
    """Return Keyhouse with these settings."""
    chosen = HttpSettings(**settings)
    admin = AdminApplication(cast("Application", django), chosen)
    static = StaticApplication(Path("none"), chosen)
    return RootApplication(ApiApplication(chosen), admin, chosen, static_application=static, access_log=access_log)


async def send(
    root: RootApplication,
    path: str = "/health",
    headers: Sequence[tuple[bytes, bytes]] = ((b"host", b"keyhouse.localhost"),),
    messages: Sequence[Message] = ({"type": "http.request"},),
    **scope: Any,
) -> list[Message]:
    """Send a request with exactly these headers and messages, then nothing; return the messages of the response."""
    sent: list[Message] = []
    waiting = list(messages)

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def collect(message: Message) -> None:
        await asyncio.sleep(0)  # as a server does that has to wait for its buffer
        sent.append(message)

    whole: Scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode(),
        "root_path": "", "query_string": b"", "headers": list(headers),
        "client": ("192.0.2.9", 7), "scheme": "http", **scope,
    }  # fmt: skip
    await root(whole, receive, collect)
    return sent


def headers_of(sent: Sequence[Message]) -> dict[bytes, bytes]:
    return dict(sent[0]["headers"])


def hosts(*values: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", value) for value in values]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (hosts(b"keyhouse.localhost"), 404),
        (hosts(b"KEYHOUSE.localhost:8443"), 404),
        (hosts(b"a.keys.localhost"), 404),
        (hosts(), 400),
        (hosts(b"keyhouse.localhost", b"keyhouse.localhost"), 400),
        (hosts(b"keyhouse.localhost", b"evil.example"), 400),
        (hosts(b"evil.example"), 400),
        (hosts(b""), 400),
        (hosts(b"keyhouse.localhost:port"), 400),
        (hosts(b"keyhouse.localhost/x"), 400),
        (hosts(b"x@keyhouse.localhost"), 400),
        (hosts(b"keyhouse.localhost\xff"), 400),
        (hosts(b"a" * 10_000), 400),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing", "/static/nothing"])
async def test_host_is_checked(database: None, path: str, headers: list[tuple[bytes, bytes]], status: int):
    sent = await send(application_of(allowed_hosts=HOSTS), path, headers)
    assert sent[0]["status"] == status


@pytest.mark.parametrize("path", PATHS)
async def test_host_is_checked_everywhere(database: None, path: str):
    sent = await send(application_of(allowed_hosts=HOSTS), path, hosts(b"evil.example"))
    assert sent[0]["status"] == 400
    assert b"MALFORMED_REQUEST" in sent[1]["body"]


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        (hosts(b"10.1.2.3:8000"), "1.1", 200),
        (hosts(), "1.0", 200),
        (hosts(), "1.1", 400),
        (hosts(b"10.1.2.3", b"10.1.2.3"), "1.1", 400),
    ],
)
async def test_probes_may_name_the_machine(database: None, path: str, headers: Any, version: str, status: int):
    root = application_of(allowed_hosts=HOSTS, https_only=True)
    assert (await send(root, path, headers, http_version=version))[0]["status"] == status


@pytest.mark.parametrize(
    ("coding", "status"),
    [("gzip", 415), ("GZIP", 415), ("identity, br", 415), ("x", 415), ("identity", 422), ("Identity", 422), ("", 422)],
)
async def test_content_coding_is_refused(api: httpx.AsyncClient, coding: str, status: int):
    response = await api.post("/api/v1/users", json={}, headers={"Content-Encoding": coding})
    code = {415: "UNSUPPORTED_MEDIA_TYPE", 422: "VALIDATION_FAILED"}[status]
    assert_error(response, status, code)
    assert ("accept-encoding" in response.headers) == (status == 415)


async def test_content_coding_is_refused_in_forms(api: httpx.AsyncClient):
    for path in ("/api/v1/oauth/token", "/admin/login/"):
        response = await api.post(path, data={"grant_type": "x"}, headers={"Content-Encoding": "gzip"})
        assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")


CHUNKED = (b"transfer-encoding", b"chunked")
DOUBTFUL = [
    [(b"transfer-encoding", b"gzip, chunked")],
    [(b"transfer-encoding", b"gzip"), CHUNKED],
    [(b"transfer-encoding", b"")],
    [CHUNKED, (b"content-length", b"2")],
]


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/keys/verify", "/admin/login/", "/static/x.css"])
@pytest.mark.parametrize("headers", DOUBTFUL, ids=["gzip", "two lines", "empty", "length"])
async def test_body_of_doubtful_coding_is_refused(database: None, path: str, headers: list[tuple[bytes, bytes]]):
    root, body = application_of(allowed_hosts=HOSTS), [{"type": "http.request", "body": b"{}"}]
    host, as_json = hosts(b"keyhouse.localhost"), (b"content-type", b"application/json")
    sent = await send(root, path, [*host, as_json, *headers], body, method="POST")
    assert sent[0]["status"] == 400
    assert b"Transfer-Encoding" in sent[1]["body"]


async def test_chunked_body_is_read(database: None):
    body = [{"type": "http.request", "body": b"{}"}]
    headers = [
        *hosts(b"keyhouse.localhost"),
        (b"content-type", b"application/json"),
        (b"transfer-encoding", b"Chunked"),
    ]
    sent = await send(application_of(allowed_hosts=HOSTS), "/api/v1/users", headers, body, method="POST")
    assert sent[0]["status"] == 422


@pytest.mark.parametrize("path", ["/api/v1/users", "/.well-known/jwks.json", "/openapi.json", "/api/v1/keys/verify"])
async def test_plain_http_is_refused_at_the_api(database: None, path: str):
    root = application_of(https_only=True)
    sent = await send(root, path)
    assert sent[0]["status"] == 403
    assert b"HTTPS_REQUIRED" in sent[1]["body"]
    assert b"HTTPS_REQUIRED" not in (await send(root, path, scheme="https"))[1]["body"]


@pytest.mark.parametrize("path", ["/account/reset-password", "/docs", "/static/a.css"])
async def test_plain_http_is_redirected_on_pages(database: None, path: str):
    sent = await send(application_of(https_only=True), path, query_string=b"a=b")
    assert sent[0]["status"] == 301
    assert headers_of(sent)[b"location"] == f"https://keyhouse.localhost{path}?a=b".encode()


async def test_plain_http_is_served_in_development(database: None):
    assert (await send(application_of(), "/docs"))[0]["status"] == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/health?probe=1", "probe"),
        ("/.well-known/jwks.json?x=", "x"),
        ("/api/v1/users/me?page=1", "page"),
        ("/api/v1/users?pgae=2", "pgae"),
        ("/api/v1/users?page=1&page=2", "page"),
        ("/api/v1/users?page=1&Page=2", "Page"),
        ("/api/v1/credits/balance?user=1", "user"),
        ("/api/v1/auth/oauth/x/start?a=1", "return_to"),
    ],
)
async def test_unknown_and_repeated_parameters_are_rejected(api: httpx.AsyncClient, path: str, field: str):
    me = await customer()
    assert_error(await api.get(path, headers=me.headers), 422, "VALIDATION_FAILED", field=field)


@pytest.mark.parametrize("path", ["/health", "/api/v1/users", "/api/v1/auth/oauth/x/callback", "/docs"])
async def test_many_and_long_parameters_get_a_short_response(api: httpx.AsyncClient, path: str):
    me = await customer()
    for query in ("&".join(f"{'n' * 20}{number}=1" for number in range(2000)), "x" * 60_000):
        response = await api.get(f"{path}?{query}", headers=me.headers)
        assert response.status_code in {200, 400, 422}, response.text
        if path != "/docs":
            assert len(response.text) < 4000


async def test_unknown_parameters_of_changes_are_rejected(api: httpx.AsyncClient):
    me = await customer()
    response = await api.patch("/api/v1/users/me?dry_run=true", json={"full_name": "Ann"}, headers=me.headers)
    assert_error(response, 422, "VALIDATION_FAILED", field="dry_run")
    assert (await api.get("/api/v1/users/me", headers=me.headers)).json()["full_name"] != "Ann"


async def test_oauth_ignores_unknown_parameters(api: httpx.AsyncClient):
    form = {"grant_type": "client_credentials", "unknown": "1"}
    response = await api.post("/api/v1/oauth/token?tenant=1", data=form)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_every_operation_but_those_of_oauth_rejects_unknown_parameters(api: httpx.AsyncClient):
    staff = await superuser()
    tolerant = set()
    for path, operations in json.loads(openapi_bytes())["paths"].items():
        for method, operation in operations.items():
            url = re.sub(r"\{\w+\}", "1", path)
            required = REQUIRED_BY_SOME.replace("active", "pending") if "approvals" in path else REQUIRED_BY_SOME
            response = await api.request(method, f"{url}?surprise=1&{required}", json={}, headers=staff.headers)
            is_hidden = "requestBody" in operation  # by the errors of the empty body
            if response.status_code != 422 or not (is_hidden or "surprise" in response.text):
                tolerant.add(operation["operationId"])
    assert tolerant == {"exchange_key", "introspect_token", "revoke_token", "end_sign_in"}


@pytest.fixture
def access_log() -> RecordedLog:
    """An access log."""
    return RecordedLog()


BEGUN: Message = {"type": "http.request", "body": b"{", "more_body": True}
DISCONNECT: Message = {"type": "http.disconnect"}


async def test_incomplete_body_is_answered_and_logged(database: None, access_log: RecordedLog):
    sent = await send(application_of(access_log), "/api/v1/users", messages=[BEGUN, DISCONNECT], method="POST")
    assert sent[0]["status"] == 400
    assert b"MALFORMED_REQUEST" in sent[1]["body"]
    assert access_log.lines == [("POST", "/api/v1/users", 400)]


async def test_deadline_is_logged_once(database: None, access_log: RecordedLog):
    root = application_of(access_log, response_seconds_maximum=0.02)
    sent = await send(root, "/api/v1/users", messages=[BEGUN], method="POST")
    assert [message.get("status") for message in sent] == [503, None]
    assert access_log.lines == [("POST", "/api/v1/users", 503)]


async def test_disconnect_is_logged(database: None, access_log: RecordedLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("apps.core.http.cancellation.WATCH_DELAY_SECONDS", 0.01)
    monkeypatch.setattr("apps.core.routers.health_router._states", asyncio.Event().wait)
    sent = await send(application_of(access_log), "/health/ready", messages=[{"type": "http.request"}, DISCONNECT])
    assert sent == []
    assert access_log.lines == [("GET", "/health/ready", 499)]


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/admin/", "GET", 302), ("/admin/login/", "GET", 200), ("/admin/", "delete", 405)]
)
async def test_admin_pages_are_logged(database: None, access_log: RecordedLog, path: str, method: str, status: int):
    sent = await send(application_of(access_log), path, headers=hosts(b"keyhouse.localhost"), method=method)
    assert sent[0]["status"] == status
    assert access_log.lines == [(method, path, status)]


async def test_composed_application_serves_the_allowed_hosts_only(database: None):
    assert (await send(application, "/api/v1/users", hosts(b"evil.example")))[0]["status"] == 400
    assert (await send(application, "/api/v1/users", hosts(b"keyhouse.localhost")))[0]["status"] == 401
