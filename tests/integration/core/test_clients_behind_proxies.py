"""Clients behind a proxy that writes a port beside the address, or no address: one cannot lock out the others."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_network

import httpx
import pytest
from pytest_django.fixtures import Settings

from apps.audit.models import AuditEvent
from apps.core.http.http_settings import HttpSettings
from apps.core.http.root_application import RootApplication
from config.asgi import admin_application, api_application
from tests.support.factories import PASSWORD, make_staff, make_user
from tests.support.orm import make, rows

EMAIL = "ann@example.com"
PROXIED = RootApplication(api_application, admin_application, HttpSettings(trusted_proxies=[ip_network("127.0.0.1")]))


def client_at(node: str, header: str = "X-Forwarded-For") -> httpx.AsyncClient:
    """Return a client behind the trusted proxy 127.0.0.1, which writes the node into the header."""
    transport = httpx.ASGITransport(app=PROXIED)
    return httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost", headers={header: node})


async def log_in(client: httpx.AsyncClient, password: str) -> int:
    body = {"email": EMAIL, "password": password}
    return (await client.post("/api/v1/auth/login", json=body)).status_code


async def log_in_to_the_admin(client: httpx.AsyncClient, password: str) -> int:
    await client.get("/admin/login/")
    form = {"username": EMAIL, "password": password, "csrfmiddlewaretoken": client.cookies["staff_csrf"]}
    return (await client.post("/admin/login/", data=form)).status_code


async def introspect(client: httpx.AsyncClient, password: str) -> int:
    form = {"token": "x", "client_id": "1", "client_secret": password}
    return (await client.post("/api/v1/oauth/introspect", data=form)).status_code


@pytest.mark.parametrize("door", [log_in, log_in_to_the_admin, introspect])
@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("X-Forwarded-For", "203.0.113.7:51008", "198.51.100.7:51009"),
        ("X-Forwarded-For", "unknown", "198.51.100.7"),
        ("X-Forwarded-For", "unknown", "127.0.0.1"),
        ("Forwarded", 'for="[2001:db8:1::1]:4711"', 'for="[2001:db8:2::1]:4711"'),
    ],
)
async def test_guesses_of_one_client_do_not_limit_another(
    database: None,
    settings: Settings,
    door: Callable[[httpx.AsyncClient, str], Awaitable[int]],
    header: str,
    first: str,
    second: str,
):
    settings.LOGIN_RATE_LIMIT = settings.PUBLIC_RATE_LIMIT = "3/h"
    await make(make_staff, PASSWORD, email=EMAIL)
    async with client_at(first, header) as guesser, client_at(second, header) as other:
        assert [await door(guesser, "wrong") for _ in range(4)][-1] == 429
        assert await door(other, PASSWORD) in {200, 302, 401, 403}


async def test_audit_names_the_client_and_not_the_proxy(database: None):
    await make(make_user, PASSWORD, email=EMAIL)
    for node, expected in (("203.0.113.7:51008", "203.0.113.7"), ("unknown", None)):
        async with client_at(node) as client:
            assert await log_in(client, PASSWORD) == 200
        started = await rows(AuditEvent.objects.filter(action="session.started").order_by("id"))
        assert started[-1].ip_address == expected
