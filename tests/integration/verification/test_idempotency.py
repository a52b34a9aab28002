"""`request_id` is an idempotency key: retries get the first response and are charged once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from apps.api_keys.models import ApiKey
from apps.credits.models import LedgerEntry
from apps.plans.models import PlanLimit
from apps.verification.models import VerificationAnswer
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import balance_of, denials, make_limited_key, run_on_a_loop, usage, verify
from tests.support.factories import IssuedKey, add_secret, give_credits, make_key, make_service_key
from tests.support.orm import make, rows

THREADS = 4
ROUNDS = 15


def make_paying_key() -> IssuedKey:
    """Return a key with a rate limit of five calls, whose owner has 10 credits."""
    key = make_limited_key(("hour", 5, 3600), metadata={"a": [1, 0.5, "ä"]})
    give_credits(key.row.user, 10)
    return key


async def test_a_retry_gets_the_first_response_and_is_charged_once(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, cost=3, request_id="r")
    assert (first["code"], first["balance"], first["request_id"]) == ("VALID", "7.000000", "r")
    assert (await verify(api, key.secret, cost=1))["balance"] == "6.000000"
    assert [await verify(api, key.secret, cost=3, request_id="r") for _ in range(2)] == [first] * 2
    assert await balance_of(key.row) == 6
    assert [event.cost for event in await usage()] == [3, 1]


@pytest.mark.parametrize("query", [{}, {"cost": 999}, {"weight": 6}, {"scopes": ["a:b"]}, {"tag": "other"}])
async def test_only_the_request_id_identifies_a_retry(api: httpx.AsyncClient, query: dict[str, Any]):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, request_id="r", tag="one")
    assert await verify(api, key.secret, request_id="r", **query) == first
    assert [event.tag for event in await usage()] == ["one"]


async def test_a_stored_response_outlives_changes_of_the_key(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, cost=3, request_id="r")
    await make(PlanLimit.objects.filter(plan_id=key.row.user.plan_id).update, limit=0)
    await make(ApiKey.objects.filter(pk=key.id).update, name="renamed", metadata={}, is_active=False)
    assert (await verify(api, key.secret))["code"] == "DISABLED"
    assert await verify(api, key.secret, cost=3, request_id="r") == first


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"cost": 11}, "INSUFFICIENT_CREDITS"),
        ({"weight": 6}, "RATE_LIMITED"),
        ({"scopes": ["a:b"]}, "INSUFFICIENT_SCOPES"),
    ],
)
async def test_a_refusal_is_stored_and_counted_once(api: httpx.AsyncClient, query: dict[str, Any], code: str):
    key: IssuedKey = await make(make_paying_key)
    first = await verify(api, key.secret, request_id="r", **query)
    assert first["code"] == code
    await make(give_credits, key.row.user, 100)
    assert await verify(api, key.secret, request_id="r") == first
    assert await usage() == []
    assert await denials() == {(key.id, code): 1}
    assert (await verify(api, key.secret, request_id="s"))["code"] == "VALID"


async def test_an_unknown_key_has_no_stored_response(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_paying_key)
    await make(ApiKey.objects.filter(pk=key.id).update, deleted_at="2020-01-01T00:00:00Z")
    assert (await verify(api, key.secret, request_id="r"))["code"] == "NOT_FOUND"
    assert await rows(VerificationAnswer.objects.all()) == []
    await make(ApiKey.objects.filter(pk=key.id).update, deleted_at=None)
    assert (await verify(api, key.secret, request_id="r"))["code"] == "VALID"


async def test_secrets_of_a_key_share_request_ids_and_other_keys_do_not(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_paying_key)
    older, other = await make(add_secret, key.row), await make(make_key, key.row.user)
    answers = [await verify(api, secret, cost=1, request_id="r") for secret in (key.secret, older, other.secret)]
    assert answers[0] == answers[1] != answers[2]
    assert await balance_of(key.row) == 8


async def test_without_a_request_id_each_call_counts(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_paying_key)
    answers = [await verify(api, key.secret, cost=1) for _ in range(2)]
    assert len({answer["request_id"] for answer in answers}) == 2
    # A generated id is an idempotency key like any other.
    again = await verify(api, key.secret, cost=1, request_id=answers[0]["request_id"])
    assert again["balance"] == "7.000000"
    assert [answer.request_id for answer in await rows(VerificationAnswer.objects.all())] == [answers[0]["request_id"]]


async def test_concurrent_retries_are_charged_once(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_paying_key)
    service: IssuedKey = await make(make_service_key)
    sent = [verify(api, key.secret, service, cost=2, request_id="r") for _ in range(40)]
    answers = await asyncio.gather(*sent)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["balance"] == "8.000000"
    assert await balance_of(key.row) == 8
    assert len(await usage()) == 1


def test_concurrent_retries_on_several_workers_are_charged_once(database: None):
    key = make_limited_key()
    give_credits(key.row.user, 100)
    together = Barrier(THREADS)

    def worker(number: int) -> list[VerifyResponse]:
        async def verify_all() -> list[VerifyResponse]:
            service, answers = VerificationService(DecisionRepository()), []
            for turn in range(ROUNDS):
                together.wait()
                sent = VerifyRequest(
                    key=SecretStr(key.secret), cost=Decimal(1), request_id=f"r {turn}", tag=str(number)
                )
                answers += await service.verify_all([sent, sent])
            return answers

        return run_on_a_loop(verify_all)

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(worker, range(THREADS)))
    assert all(each == answers[0] for each in answers)
    assert {str(answer.code) for answer in answers[0]} == {"VALID"}
    assert [answer.balance for answer in answers[0]] == [100 - turn // 2 - 1 for turn in range(2 * ROUNDS)]
    charged = LedgerEntry.objects.filter(type="usage")
    assert [entry.amount for entry in charged] == [-1] * ROUNDS
    assert VerificationAnswer.objects.count() == ROUNDS
