"""Bodies end in a newline, so that the prompt of a shell stands below what curl prints."""

from typing import Any

import httpx
import pytest

from tests.support.accounts import customer
from tests.support.factories import make_service_key
from tests.support.orm import make

VERIFY = "/api/v1/keys/verify"


@pytest.mark.parametrize(
    ("method", "path", "request_"),
    [
        ("GET", "/health", {}),
        ("GET", "/openapi.json", {}),
        ("GET", "/api/v1/users/me", {}),
        ("GET", "/api/v1/nothing", {}),
        ("POST", "/api/v1/auth/login", {"content": b"x" * (1024 * 1024 + 1)}),
        ("POST", "/api/v1/oauth/token", {"data": {"grant_type": "x"}}),
    ],
)
async def test_body_ends_in_a_newline(api: httpx.AsyncClient, method: str, path: str, request_: dict[str, Any]):
    response = await api.request(method, path, **request_)
    assert response.content.endswith(b"}\n")
    assert response.headers["content-length"] == str(len(response.content))


async def test_verifications_end_in_a_newline_on_both_paths(api: httpx.AsyncClient):
    key = await make(make_service_key)
    for headers in (key.headers, {**key.headers, "Content-Type": "application/json; charset=UTF-8; x=y"}):
        response = await api.post(VERIFY, json={"key": key.secret}, headers=headers)
        assert response.json()["valid"]
        assert response.content.endswith(b"}\n")


async def test_export_ends_in_a_newline(api: httpx.AsyncClient):
    me = await customer()
    response = await api.get("/api/v1/users/me/export", headers=me.headers)
    assert (response.status_code, response.content[-2:]) == (200, b"}\n")
