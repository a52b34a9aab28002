"""The choice of door, and what a door is told of the request."""

from ipaddress import ip_network
from typing import Any, cast

import pytest

from apps.core.http.http_settings import HttpSettings
from apps.core.http.root_application import RootApplication, is_client_path
from apps.core.request_context import current_request

pytestmark = pytest.mark.unit


class Door:
    """An ASGI application that remembers what it was given."""

    def __init__(self) -> None:
        self.scope: Any = None
        self.context: Any = None

    async def __call__(self, scope, receive, send):
        self.scope, self.context = scope, current_request()


async def pass_through(path="/api/v1/users", client=("192.0.2.9", 7), headers=(), trusted=(), scheme="http"):
    """Send one request through a front and return both doors."""
    api_application, admin_application = Door(), Door()
    front = RootApplication(
        api_application, admin_application, HttpSettings(trusted_proxies=[ip_network(net) for net in trusted])
    )

    scope = {"type": "http", "path": path, "client": client, "headers": list(headers), "scheme": scheme}
    await front(scope, cast("Any", None), cast("Any", None))
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
async def test_clients_go_through_the_client_door(path):
    api_application, admin_application = await pass_through(path)
    assert (api_application.scope is not None, admin_application.scope is None) == (True, True)
    assert is_client_path(path)


@pytest.mark.parametrize("path", ["/", "/admin/", "/static/a.css", "/api", "/docs/", "/apis", "/API/v1/users", ""])
async def test_everything_else_goes_through_the_staff_door(path):
    api_application, admin_application = await pass_through(path)
    assert (api_application.scope is None, admin_application.scope is not None) == (True, True)
    assert not is_client_path(path)


async def test_a_door_is_told_who_asks():
    headers = [(b"x-request-id", b"mine-1"), (b"user-agent", b"x" * 400)]
    api_application, _ = await pass_through(headers=headers)
    assert api_application.context.request_id == "mine-1"
    assert api_application.context.client_address == "192.0.2.9"
    assert api_application.context.user_agent == "x" * 300


@pytest.mark.parametrize("client", [None, ("", 0), ("testclient", 50000)])
async def test_a_client_without_an_address_has_none(client):
    api_application, _ = await pass_through(client=client)
    assert api_application.context.client_address is None


async def test_a_stranger_is_not_believed():
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", b"https")]
    api_application, _ = await pass_through(headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["client"] == ("192.0.2.9", 7)
    assert api_application.scope["scheme"] == "http"


async def test_a_trusted_proxy_is_believed():
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", b"https")]
    api_application, _ = await pass_through(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["client"] == ("198.51.100.7", 7)
    assert api_application.scope["scheme"] == "https"
    assert api_application.context.client_address == "198.51.100.7"


async def test_a_client_cannot_hide_behind_a_header_line_of_its_own():
    # A proxy such as HAProxy appends a second line; the first is what the client sent.
    headers = [(b"x-forwarded-for", b"203.0.113.66"), (b"x-forwarded-for", b"198.51.100.7")]
    api_application, _ = await pass_through(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.context.client_address == "198.51.100.7"


@pytest.mark.parametrize("scheme", [b"http", b"HTTPS, http", b"wss", b""])
async def test_only_https_is_taken_over(scheme):
    headers = [(b"x-forwarded-proto", scheme)]
    api_application, _ = await pass_through(client=("10.0.0.1", 7), headers=headers, trusted=["10.0.0.0/8"])
    assert api_application.scope["scheme"] == "http"
