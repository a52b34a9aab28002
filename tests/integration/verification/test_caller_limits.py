"""A client of Keyhouse's own API is limited by the rate limits of its key."""

import asyncio
import time

import httpx
import pytest
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.core.database.pool import connection
from tests.integration.verification.verifying import BATCH_PATH, PATH, denials, make_limited_key, usage
from tests.support.accounts import customer
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, add_secret, make_key, make_plan, make_user
from tests.support.orm import make, rows

OWN = "/api/v1/api-keys"
LIMIT_HEADERS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "ratelimit-policy"}


async def test_each_use_counts_until_the_limit(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 2, 3600), ("day", 5, 86400))
    before = time.time()
    answers = [await api.get(OWN, headers=key.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_error(answers[2], 429, "RATE_LIMITED")
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"2"}
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"hour";q=2;w=3600, "day";q=5;w=86400'}
    for answer in answers:
        assert before + 3599 <= int(answer.headers["x-ratelimit-reset"]) <= time.time() + 3601
    assert answers[0].headers["ratelimit"] in {'"hour";r=1;t=3600', '"hour";r=1;t=3601'}
    assert 3530 <= int(answers[2].headers["retry-after"]) <= 3661
    assert ["retry-after" in answer.headers for answer in answers] == [False, False, True]


async def test_a_use_updates_only_the_counters(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600))
    before = timezone.now()
    for _ in range(2):
        await api.get(OWN, headers=key.headers)
    assert (await usage(), await denials()) == ([], {})
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert counter.last_used_at is not None
    assert counter.last_used_at >= before


def _make_unlimited_key() -> IssuedKey:
    return make_key(make_user(plan=make_plan()), scopes=["account:read"])


async def test_a_use_of_a_key_without_limits_waits_for_no_lock(api: httpx.AsyncClient):
    key: IssuedKey = await make(_make_unlimited_key)
    assert (await api.get(OWN, headers=key.headers)).status_code == 200
    async with connection() as borrowed, borrowed.transaction():
        for table in ("credit_balances", "api_key_counters"):
            await borrowed.execute(f"SELECT FROM {table} FOR UPDATE".encode())
        async with asyncio.timeout(0.9):  # less than a batch waits for a lock
            assert (await api.get(OWN, headers=key.headers)).status_code == 200
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (bytes(counter.entries), counter.last_used_at is None) == (b"", False)


async def test_a_limit_that_a_key_gets_counts_from_its_next_use(api: httpx.AsyncClient):
    key: IssuedKey = await make(_make_unlimited_key)
    assert (await api.get(OWN, headers=key.headers)).status_code == 200
    limits = [{"name": "hour", "limit": 1, "period_seconds": 3600}]
    await make(lambda: ApiKey.objects.filter(pk=key.id).update(rate_limits=limits))
    answers = [await api.get(OWN, headers=key.headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


async def test_a_use_counts_against_the_same_limits_as_verified_calls(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 2, 3600), scopes=["account:read", "keys:verify"])
    assert (await api.get(OWN, headers=key.headers)).status_code == 200
    verdict = (await api.post(PATH, json={"key": key.secret}, headers=key.headers)).json()
    assert (verdict["code"], verdict["rate_limits"][0]["remaining"]) == ("VALID", 0)
    assert (await api.get(OWN, headers=key.headers)).status_code == 429


async def test_concurrent_uses_never_exceed_the_limit(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 5, 3600))
    answers = await asyncio.gather(*(api.get(OWN, headers=key.headers) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 7


@pytest.mark.parametrize("path", [PATH, BATCH_PATH])
async def test_verifying_other_keys_is_not_limited(api: httpx.AsyncClient, path: str):
    service: IssuedKey = await make(make_limited_key, ("hour", 1, 3600), scopes=["account:read", "keys:verify"])
    key: IssuedKey = await make(make_limited_key)
    query = {"key": key.secret}
    body = {"items": [query]} if path == BATCH_PATH else query
    for _ in range(3):
        assert (await api.post(path, json=body, headers=service.headers)).status_code == 200
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=service.id))
    assert bytes(counter.entries) == b""


async def test_a_rate_limited_caller_may_still_verify_other_keys(api: httpx.AsyncClient):
    service: IssuedKey = await make(make_limited_key, ("hour", 1, 3600), scopes=["account:read", "keys:verify"])
    key: IssuedKey = await make(make_key)
    assert [(await api.get(OWN, headers=service.headers)).status_code for _ in range(2)] == [200, 429]
    assert (await api.post(PATH, json={"key": key.secret}, headers=service.headers)).json()["code"] == "VALID"


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_a_limit_of_zero_refuses_with_retry_after(api: httpx.AsyncClient, header: str):
    key: IssuedKey = await make(make_limited_key, ("hour", 0, 3600))
    secret = key.secret if header == "X-API-Key" else f"Bearer {key.secret}"
    answer = await api.get(OWN, headers={header: secret})
    assert_error(answer, 429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) == 3600


async def test_later_errors_have_rate_limit_headers_and_count(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 9, 3600))
    answer = await api.get(f"{OWN}/999999999", headers=key.headers)
    assert answer.status_code == 404
    assert answer.headers["x-ratelimit-remaining"] == "8"


async def test_without_rate_limits_there_are_no_headers(api: httpx.AsyncClient):
    unlimited: IssuedKey = await make(make_limited_key)
    signed_in = await customer()
    for headers in (unlimited.headers, signed_in.headers):
        answer = await api.get(OWN, headers=headers)
        assert answer.status_code == 200
        assert not LIMIT_HEADERS & set(answer.headers)


async def test_an_invalid_key_is_not_authenticated_and_uses_nothing(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600), is_active=False)
    answer = await api.get(OWN, headers=key.headers)
    assert_error(answer, 401, "NOT_AUTHENTICATED")
    assert not LIMIT_HEADERS & set(answer.headers)
    await make(ApiKey.objects.filter(pk=key.id).update, is_active=True)
    assert (await api.get(OWN, headers={"X-API-Key": await make(add_secret, key.row)})).status_code == 200
