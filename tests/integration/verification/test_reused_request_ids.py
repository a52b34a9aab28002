"""A request id belongs to a caller and a key, and names one call: others with it are refused, and charged nothing."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.utils import timezone

from apps.verification.models import VerificationAnswer
from tests.integration.verification.verifying import (
    BATCH_PATH,
    PATH,
    balance_of,
    denials,
    make_paying_key,
    usage,
    verify,
)
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, add_secret, make_service_key, make_staff
from tests.support.orm import make, rows
from tests.support.sessions import sign_in


@pytest.fixture
def service(database: None) -> IssuedKey:
    """A service that sends several requests."""
    return make_service_key()


async def send(api: httpx.AsyncClient, key: str, headers: dict[str, str], **query: Any) -> httpx.Response:
    return await api.post(PATH, json={"key": key, **query}, headers=headers)


async def remaining(api: httpx.AsyncClient, key: str) -> int:
    """Return how many calls the rate limit allows after one more."""
    (status,) = (await verify(api, key))["rate_limits"]
    return int(status["remaining"])


# What makes another call of {"cost": 1, "scopes": ["account:read"]}.
OTHER_CALLS: list[dict[str, Any]] = [
    {"cost": 2},
    {"cost": 0},
    {"cost": 999},
    {"weight": 2},
    {"weight": 6},
    {"scopes": []},
    {"scopes": ["account:read", "a:b"]},
    {"ip": "192.0.2.1"},
    {"ip": "nowhere"},
    {"tag": "other"},
]
CALL = {"cost": 1, "scopes": ["account:read"], "request_id": "r"}


@pytest.mark.parametrize("other", OTHER_CALLS)
async def test_another_call_with_the_id_is_refused_and_uses_nothing(
    api: httpx.AsyncClient, service: IssuedKey, other: dict[str, Any]
):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, service, **CALL)
    assert first["code"] == "VALID"
    reused = await send(api, key.secret, service.headers, **{**CALL, **other})
    assert_error(reused, 409, "REQUEST_ID_REUSED")
    assert "new request_id" in reused.json()["error"]["message"]
    assert await verify(api, key.secret, service, **CALL) == first
    assert (await balance_of(key.row), len(await usage()), await denials()) == (Decimal(9), 1, {})
    assert await remaining(api, key.secret) == 3


@pytest.mark.parametrize("other", OTHER_CALLS)
async def test_another_call_with_the_id_in_the_same_batch_is_refused(
    api: httpx.AsyncClient, service: IssuedKey, other: dict[str, Any]
):
    key: IssuedKey = await make(make_paying_key)
    sent = [CALL, {**CALL, **other}, CALL]
    first, reused, again = await asyncio.gather(*(send(api, key.secret, service.headers, **each) for each in sent))
    assert_error(reused, 409, "REQUEST_ID_REUSED")
    assert (first.json()["code"], again.json()) == ("VALID", first.json())
    assert (await balance_of(key.row), len(await usage()), await denials()) == (Decimal(9), 1, {})


async def test_a_call_with_the_id_of_a_refused_one_is_refused_too(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    assert (await verify(api, key.secret, service, cost=11, request_id="r"))["code"] == "INSUFFICIENT_CREDITS"
    assert_error(await send(api, key.secret, service.headers, cost=1, request_id="r"), 409, "REQUEST_ID_REUSED")
    assert (await balance_of(key.row), await usage()) == (Decimal(10), [])
    assert await denials() == {(key.id, "INSUFFICIENT_CREDITS"): 1}


async def test_another_service_with_the_id_is_charged_for_itself(api: httpx.AsyncClient, service: IssuedKey):
    key, other = await make(make_paying_key), await make(make_service_key)
    answers = [await verify(api, key.secret, caller, cost=1, request_id="r") for caller in (service, other) * 2]
    assert [answer["balance"] for answer in answers] == ["9.000000", "8.000000"] * 2
    # Another service may ask something else with the id, and for its own key it may too.
    third: IssuedKey = await make(make_service_key)
    assert (await verify(api, key.secret, third, cost=3, request_id="r"))["balance"] == "5.000000"
    assert await balance_of(key.row) == 5


async def test_another_service_s_id_reveals_nothing(api: httpx.AsyncClient, service: IssuedKey):
    key, other = await make(make_paying_key), await make(make_service_key)
    await verify(api, key.secret, service, cost=9, tag="private", request_id="r")
    second = await verify(api, key.secret, other, cost=9, request_id="r")
    assert (second["code"], second["balance"]) == ("INSUFFICIENT_CREDITS", "1.000000")


async def test_a_key_has_the_same_ids_in_batches_and_with_either_secret(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    rotated = {"X-API-Key": await make(add_secret, service.row)}
    first = await send(api, key.secret, service.headers, cost=1, request_id="r")
    item = {"key": key.secret, "cost": 1, "request_id": "r"}
    batch = await api.post(BATCH_PATH, json={"items": [item, item]}, headers=service.headers)
    assert first.json() == (await send(api, key.secret, rotated, cost=1, request_id="r")).json()
    assert batch.json()["items"] == [first.json()] * 2
    (stored,) = await rows(VerificationAnswer.objects.all())
    assert stored.caller == f"api_key:{service.id}"
    assert await balance_of(key.row) == 9


async def test_sessions_of_a_user_have_the_same_ids_and_other_callers_do_not(
    api: httpx.AsyncClient, service: IssuedKey
):
    key, staff, colleague = await make(make_paying_key), await make(make_staff), await make(make_staff)
    callers = [await make(sign_in, user) for user in (staff, staff, colleague)] + [service.headers]
    # The key of a user is not the user.
    own: IssuedKey = await make(make_service_key, user=staff)
    answers = [await send(api, key.secret, headers, cost=1, request_id="r") for headers in (*callers, own.headers)]
    balances = [answer.json()["balance"] for answer in answers]
    assert balances == ["9.000000", "9.000000", "8.000000", "7.000000", "6.000000"]
    assert {row.caller for row in await rows(VerificationAnswer.objects.all())} == {
        f"user:{staff.pk}",
        f"user:{colleague.pk}",
        f"api_key:{service.id}",
        f"api_key:{own.id}",
    }


async def test_an_id_that_an_earlier_version_has_recorded_is_refused(api: httpx.AsyncClient, service: IssuedKey):
    key: IssuedKey = await make(make_paying_key)
    recorded = VerificationAnswer(api_key_id=key.id, request_id="r", answered_at=timezone.now(), answer="{}")
    await make(recorded.save, force_insert=True)
    assert_error(await send(api, key.secret, service.headers, cost=1, request_id="r"), 409, "REQUEST_ID_REUSED")
    assert await balance_of(key.row) == 10


async def test_a_batch_with_a_reused_id_is_refused_and_its_other_calls_may_be_retried(
    api: httpx.AsyncClient, service: IssuedKey
):
    key: IssuedKey = await make(make_paying_key)
    items = [{"key": key.secret, "cost": 1, "request_id": name} for name in ("a", "b")]
    sent = {"items": [*items, {**items[0], "cost": 2}]}
    refused = await api.post(BATCH_PATH, json=sent, headers=service.headers)
    assert_error(refused, 409, "REQUEST_ID_REUSED")
    assert [detail["field"] for detail in refused.json()["error"]["details"]] == ["items.2.request_id"]
    assert await balance_of(key.row) == 8
    sent["items"][2]["request_id"] = "c"
    answer = await api.post(BATCH_PATH, json=sent, headers=service.headers)
    assert [item["balance"] for item in answer.json()["items"]] == ["9.000000", "8.000000", "6.000000"]
    assert await balance_of(key.row) == 6
