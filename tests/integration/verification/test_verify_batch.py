"""`POST /api/v1/keys/verify-batch`."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.verification.verifying import BATCH_PATH, balance_of, make_limited_key, usage, verify
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, give_credits, make_key, make_service_key
from tests.support.orm import make


async def verify_all(api: httpx.AsyncClient, items: list[Any], service: IssuedKey | None = None) -> httpx.Response:
    caller: IssuedKey = service or await make(make_service_key)
    return await api.post(BATCH_PATH, json={"items": items}, headers=caller.headers)


async def test_a_batch_of_one_is_answered_like_a_single_call(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_key, metadata={"a": 1}, scopes=["a:*"])
    service: IssuedKey = await make(make_service_key)
    sent = {"key": key.secret, "request_id": "r", "scopes": ["a:b"]}
    (answer,) = (await verify_all(api, [sent], service)).json()["items"]
    assert answer["code"] == "VALID"
    assert await verify(api, key.secret, service, request_id="r", scopes=["a:b"]) == answer
    assert len(await usage()) == 1


async def test_responses_are_in_the_order_of_the_calls(api: httpx.AsyncClient):
    good, off = await make(make_key), await make(make_key, is_active=False)
    limited = await make(make_limited_key, ("hour", 1, 3600))
    secrets = [limited.secret, "anything", off.secret, good.secret, limited.secret, good.secret]
    answer = await verify_all(
        api, [{"key": secret, "request_id": f"r {place}"} for place, secret in enumerate(secrets)]
    )
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["code"] for item in items] == ["VALID", "NOT_FOUND", "DISABLED", "VALID", "RATE_LIMITED", "VALID"]
    assert [item["request_id"] for item in items] == [f"r {place}" for place in range(6)]
    assert [item["key_id"] for item in items] == [limited.id, None, off.id, good.id, limited.id, good.id]


async def test_a_hundred_calls_of_one_customer_are_served_in_order(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key)
    await make(give_credits, key.row.user, 60)
    answer = await verify_all(api, [{"key": key.secret, "cost": 1}] * 100)
    items = answer.json()["items"]
    assert [item["code"] for item in items] == ["VALID"] * 60 + ["INSUFFICIENT_CREDITS"] * 40
    assert [float(item["balance"]) for item in items] == [*range(59, -1, -1), *[0] * 40]
    assert await balance_of(key.row) == 0
    assert len({event.credit_transaction_id for event in await usage()}) == 1


async def test_the_same_request_twice_in_one_batch_is_charged_once(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key)
    await make(give_credits, key.row.user, 5)
    answer = await verify_all(api, [{"key": key.secret, "cost": 2, "request_id": "r"}] * 3)
    items = answer.json()["items"]
    assert items == [items[0]] * 3
    assert await balance_of(key.row) == 3


async def test_concurrent_batches_share_limits_and_credits(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 100, 3600))
    answers = await asyncio.gather(*(verify_all(api, [{"key": key.secret}] * 30) for _ in range(5)))
    codes = [item["code"] for answer in answers for item in answer.json()["items"]]
    assert (codes.count("VALID"), codes.count("RATE_LIMITED")) == (100, 50)


@pytest.mark.parametrize("count", [0, 101])
async def test_empty_and_large_batches_are_rejected(api: httpx.AsyncClient, count: int):
    key: IssuedKey = await make(make_key)
    assert_error(await verify_all(api, [{"key": key.secret}] * count), 422, "VALIDATION_FAILED", "items")
    assert await usage() == []


async def test_texts_of_clients_are_refused_for_their_call_alone(api: httpx.AsyncClient):
    key, bound = await make(make_key), await make(make_key, ip_allowlist=["192.0.2.0/24"])
    items: list[Any] = [
        {"key": "x" * 201}, {"key": ""}, {"key": "\x00"}, {"key": "x" * 100_000},
        {"key": key.secret, "ip": "unknown"}, {"key": key.secret, "ip": ""}, {"key": bound.secret, "ip": "1" * 65},
        {"key": bound.secret, "ip": "192.0.2.1"}, {"key": key.secret},
    ]  # fmt: skip
    answer = await verify_all(api, items)
    codes = [item["code"] for item in answer.json()["items"]]
    assert codes == ["NOT_FOUND"] * 4 + ["FORBIDDEN"] * 3 + ["VALID"] * 2
    assert len(await usage()) == 2
    for item, code in zip(items[2:7], codes[2:7], strict=True):
        assert (await verify(api, **item))["code"] == code


async def test_one_invalid_call_rejects_the_batch(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_key)
    answer = await verify_all(api, [{"key": key.secret}, {"key": key.secret, "cost": "-1"}])
    assert_error(answer, 422, "VALIDATION_FAILED", "items.1.cost")
    assert key.secret not in answer.text
    assert await usage() == []


@pytest.mark.parametrize("body", [[], {}, {"items": None}, {"items": [], "more": 1}, {"items": ["key"]}])
async def test_a_malformed_batch_is_rejected(api: httpx.AsyncClient, body: Any):
    service: IssuedKey = await make(make_service_key)
    assert_error(await api.post(BATCH_PATH, json=body, headers=service.headers), 422, "VALIDATION_FAILED")


async def test_verifying_needs_the_scope(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_key)
    answer = await api.post(BATCH_PATH, json={"items": [{"key": key.secret}]}, headers=key.headers)
    assert_error(answer, 403, "INSUFFICIENT_SCOPES")
    assert_error(await api.post(BATCH_PATH, json={"items": [{"key": key.secret}]}), 401, "NOT_AUTHENTICATED")
    assert await usage() == []
