"""Bodies with thousands of errors get a short response."""

from typing import Any

import httpx
import orjson
import pytest

from apps.api_keys.services.key_format import generate_key
from config.asgi import application
from tests.support.accounts import customer
from tests.support.assertions import assert_error

MANY = 60_000
MANY_ANONYMOUS = 8_000  # fits into the 128 KiB that are read from anonymous clients
RESPONSE_BYTES_MAXIMUM = 4096
LOGIN = {"email": "ann@example.com", "password": "x"}
PUBLIC = {
    "unknown fields of a sign-in": ("/api/v1/auth/login", {**LOGIN, **{f"k{n}": n for n in range(MANY_ANONYMOUS)}}),
    "unknown fields of a sign-up": ("/api/v1/users", {f"k{n}": n for n in range(MANY_ANONYMOUS)}),
    "unknown fields of a refresh": ("/api/v1/auth/refresh", {f"k{n}": n for n in range(MANY_ANONYMOUS)}),
    "an unknown field with a very long name": ("/api/v1/auth/login", {**LOGIN, "k" * 120_000: 1}),
    "a very long value": ("/api/v1/auth/login", {**LOGIN, "email": "\u6f22" * 20_000}),
    "a list instead of a string": ("/api/v1/auth/login", {**LOGIN, "email": [1] * MANY_ANONYMOUS}),
    "a list instead of an object": ("/api/v1/auth/login", [{}] * MANY_ANONYMOUS),
}
OWN = {
    "wrong scopes": {"scopes": ["a b"] * MANY},
    "numbers for scopes": {"scopes": [1] * MANY},
    "wrong networks": {"ip_allowlist": ["x"] * MANY},
    "metadata": {"metadata": {f"k{n}": n for n in range(MANY // 2)}},
    "unknown fields": {f"k{n}": n for n in range(MANY // 2)},
}
BATCHES = {
    "too many items": [{"key": "k", "unknown": 1}] * 10_000,
    "with unknown fields": [{"key": "k", **{f"k{n}": n for n in range(9)}}] * 100,
    "with hundreds of unknown fields": [{f"k{n}": n for n in range(500)}] * 100,
}


def assert_short_error(response: httpx.Response) -> None:
    assert_error(response, 422, "VALIDATION_FAILED")
    assert 1 <= len(response.json()["error"]["details"]) <= 20
    assert len(response.content) <= RESPONSE_BYTES_MAXIMUM


@pytest.mark.parametrize(("path", "body"), PUBLIC.values(), ids=PUBLIC.keys())
async def test_many_errors_in_a_public_request_give_a_short_response(api: httpx.AsyncClient, path: str, body: object):
    assert_short_error(await api.post(path, json=body))


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/users", "/api/v1/auth/refresh"])
async def test_long_anonymous_body_is_rejected(api: httpx.AsyncClient, path: str):
    assert_error(await api.post(path, json={**LOGIN, "k": "x" * 128 * 1024}), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("name", ["X-API-Key", "Authorization"])
@pytest.mark.usefixtures("database")
async def test_body_with_unknown_api_key_is_not_parsed(monkeypatch: pytest.MonkeyPatch, name: str):
    parsed, loads = [], orjson.loads

    def recording_loads(content: bytes) -> Any:
        parsed.append(len(content))
        return loads(content)

    monkeypatch.setattr(orjson, "loads", recording_loads)
    key = generate_key("live")
    headers = {name: f"Bearer {key}" if name == "Authorization" else key}
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost") as client:
        response = await client.post(
            "/api/v1/keys/verify", json={"key": "k", "scopes": ["a"] * 200_000}, headers=headers
        )
    assert_error(response, 401, "NOT_AUTHENTICATED")
    assert parsed == []


@pytest.mark.parametrize("body", OWN.values(), ids=OWN.keys())
async def test_many_errors_in_a_new_key_give_a_short_response(api: httpx.AsyncClient, body: dict[str, object]):
    me = await customer()
    assert_short_error(await api.post("/api/v1/api-keys", json={"name": "key", **body}, headers=me.headers))


@pytest.mark.parametrize("items", BATCHES.values(), ids=BATCHES.keys())
async def test_many_errors_in_a_batch_give_a_short_response(api: httpx.AsyncClient, items: list[object]):
    me = await customer()
    assert_short_error(await api.post("/api/v1/keys/verify-batch", json={"items": items}, headers=me.headers))


async def test_many_errors_in_a_passkey_give_a_short_response(api: httpx.AsyncClient):
    me = await customer()
    body = {"passkey": {f"k{n}": n for n in range(MANY // 2)}}
    assert_short_error(await api.post("/api/v1/auth/step-up", json=body, headers=me.headers))
