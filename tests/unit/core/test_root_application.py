"""The dispatch of requests, and the context that the applications get."""

from ipaddress import ip_network
from typing import Any, cast

import pytest

from apps.core.http.http_settings import HttpSettings
from apps.core.http.root_application import RootApplication, is_api_path
from apps.core.request_context import current_request

pytestmark = pytest.mark.unit


class RecordingApplication:
    """An ASGI application that records its scope and the request context."""

    def __init__(self) -> None:
        self.scope: Any = None
        self.context: Any = None

    async def __call__(self, scope, receive, send):
        self.scope, self.context = scope, current_request()


async def dispatch(path="/api/v1/users", client=("192.0.2.9", 7), headers=(), trusted=(), scheme="http"):
    """Send a request through a root application, and return its API application and its admin application."""
    api_application, admin_application = RecordingApplication(), RecordingApplication()
    root_application = RootApplication(
        api_application, admin_application, HttpSettings(trusted_proxies=[ip_network(net) for net in trusted])
    )

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "client": client,
        "headers": list(headers),
        "scheme": scheme,
    }
    await root_application(scope, cast("Any", None), cast("Any", None))
    return api_application, admin_application


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1/users",
        "/health",
        "/health/ready",
        "/docs",
        "/openapi.json",
        "/.well-known/jwks.json",
        "/account/x",
    ],
)
async def test_api_paths_reach_the_api_application(path):
    api_application, admin_application = await dispatch(path)
    assert (api_application.scope is not None, admin_application.scope is None) == (True, True)
    assert is_api_path(path)


@pytest.mark.parametrize("path", ["/", "/admin/", "/static/a.css", "/api", "/docs/", "/apis", "/API/v1/users", ""])
async def test_other_paths_reach_the_admin_application(path):
    api_application, admin_application = await dispatch(path)
    assert (api_application.scope is None, admin_application.scope is not None) == (True, True)
    assert not is_api_path(path)


async def test_request_context_is_set():
    headers = [(b"x-request-id", b"mine-1"), (b"user-agent", b"x" * 400)]
    api_application, _ = await dispatch(headers=headers)
    assert api_application.context.request_id == "mine-1"
    assert api_application.context.client_address == "192.0.2.9"
    assert api_application.context.user_agent == "x" * 300


@pytest.mark.parametrize("client", [None, ("", 0), ("testclient", 50000)])
async def test_client_without_address(client):
    api_application, _ = await dispatch(client=client)
    assert api_application.context.client_address is None


async def test_forwarded_headers_of_untrusted_peer_are_ignored():
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", b"https")]
    api_application, _ = await dispatch(headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["client"] == ("192.0.2.9", 7)
    assert api_application.scope["scheme"] == "http"


async def test_forwarded_headers_of_trusted_proxy_are_used():
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", b"https")]
    api_application, _ = await dispatch(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["client"] == ("198.51.100.7", 7)
    assert api_application.scope["scheme"] == "https"
    assert api_application.context.client_address == "198.51.100.7"


async def test_all_forwarded_for_lines_are_combined():
    # A proxy such as HAProxy appends a second line; the client sent the first.
    headers = [(b"x-forwarded-for", b"203.0.113.66"), (b"x-forwarded-for", b"198.51.100.7")]
    api_application, _ = await dispatch(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.context.client_address == "198.51.100.7"


@pytest.mark.parametrize("scheme", [b"http", b"wss", b""])
async def test_only_forwarded_https_changes_the_scheme(scheme):
    headers = [(b"x-forwarded-proto", scheme)]
    api_application, _ = await dispatch(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["scheme"] == "http"


async def test_client_that_cannot_be_read_has_no_address():
    headers = [(b"x-forwarded-for", b"198.51.100.7, unknown")]
    api_application, _ = await dispatch(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["client"] is None
    assert api_application.context.client_address is None
