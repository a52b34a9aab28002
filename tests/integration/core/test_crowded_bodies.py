"""Bodies with thousands of mistakes: the answer is short, whoever asks."""

from typing import Any

import httpx
import orjson
import pytest

from apps.api_keys.services.key_format import generate_key
from config.asgi import application
from tests.support.accounts import customer
from tests.support.assertions import assert_error

CROWD = 60_000
STRANGERS_CROWD = 8_000  # in the 128 KiB that are read of them
ANSWER_BYTES_MAXIMUM = 4096
LOGIN = {"email": "ann@example.com", "password": "x"}
PUBLIC = {
    "unknown fields of a sign-in": ("/api/v1/auth/login", {**LOGIN, **{f"k{n}": n for n in range(STRANGERS_CROWD)}}),
    "unknown fields of a sign-up": ("/api/v1/users", {f"k{n}": n for n in range(STRANGERS_CROWD)}),
    "unknown fields of a refresh": ("/api/v1/auth/refresh", {f"k{n}": n for n in range(STRANGERS_CROWD)}),
    "an unknown field with an endless name": ("/api/v1/auth/login", {**LOGIN, "k" * 120_000: 1}),
    "an endless value": ("/api/v1/auth/login", {**LOGIN, "email": "\u6f22" * 20_000}),
    "a list in the place of a text": ("/api/v1/auth/login", {**LOGIN, "email": [1] * STRANGERS_CROWD}),
    "a list in the place of the body": ("/api/v1/auth/login", [{}] * STRANGERS_CROWD),
}
OWN = {
    "wrong scopes": {"scopes": ["a b"] * CROWD},
    "numbers for scopes": {"scopes": [1] * CROWD},
    "wrong networks": {"ip_allowlist": ["x"] * CROWD},
    "metadata": {"metadata": {f"k{n}": n for n in range(CROWD // 2)}},
    "unknown fields": {f"k{n}": n for n in range(CROWD // 2)},
}
QUESTIONS = {
    "more than are allowed": [{"key": "k", "surprise": 1}] * 10_000,
    "with unknown fields": [{"key": "k", **{f"k{n}": n for n in range(9)}}] * 100,
    "with crowds of unknown fields": [{f"k{n}": n for n in range(500)}] * 100,
}


def assert_short_refusal(answer: httpx.Response) -> None:
    assert_error(answer, 422, "VALIDATION_FAILED")
    assert 1 <= len(answer.json()["error"]["details"]) <= 20
    assert len(answer.content) <= ANSWER_BYTES_MAXIMUM


@pytest.mark.parametrize(("path", "body"), PUBLIC.values(), ids=PUBLIC.keys())
async def test_whoever_asks(api: httpx.AsyncClient, path: str, body: object):
    assert_short_refusal(await api.post(path, json=body))


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/users", "/api/v1/auth/refresh"])
async def test_of_a_stranger_a_long_body_is_not_read(api: httpx.AsyncClient, path: str):
    assert_error(await api.post(path, json={**LOGIN, "k": "x" * 128 * 1024}), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("name", ["X-API-Key", "Authorization"])
@pytest.mark.usefixtures("database")
async def test_nor_of_one_with_a_key_that_is_only_well_formed(monkeypatch: pytest.MonkeyPatch, name: str):
    read, loads = [], orjson.loads

    def note(content: bytes) -> Any:
        read.append(len(content))
        return loads(content)

    monkeypatch.setattr(orjson, "loads", note)
    key = generate_key("live")
    headers = {name: f"Bearer {key}" if name == "Authorization" else key}
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://keyhouse.localhost") as lane:
        answer = await lane.post("/api/v1/keys/verify", json={"key": "k", "scopes": ["a"] * 200_000}, headers=headers)
    assert_error(answer, 401, "NOT_AUTHENTICATED")
    assert read == []


@pytest.mark.parametrize("body", OWN.values(), ids=OWN.keys())
async def test_a_customer_s_key(api: httpx.AsyncClient, body: dict[str, object]):
    me = await customer()
    assert_short_refusal(await api.post("/api/v1/api-keys", json={"name": "key", **body}, headers=me.headers))


@pytest.mark.parametrize("items", QUESTIONS.values(), ids=QUESTIONS.keys())
async def test_many_questions(api: httpx.AsyncClient, items: list[object]):
    me = await customer()
    assert_short_refusal(await api.post("/api/v1/keys/verify-batch", json={"items": items}, headers=me.headers))


async def test_proof_by_a_passkey_that_is_none(api: httpx.AsyncClient):
    me = await customer()
    body = {"passkey": {f"k{n}": n for n in range(CROWD // 2)}}
    assert_short_refusal(await api.post("/api/v1/auth/step-up", json=body, headers=me.headers))
