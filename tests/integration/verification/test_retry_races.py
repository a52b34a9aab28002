"""Retries in the service: for how long, and on several workers at the same moment."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr

from apps.api_keys.models import ApiKey
from apps.core.authorization.principal import CredentialKind, Principal
from apps.credits.models import LedgerEntry
from apps.verification import dependencies
from apps.verification.domain import Code, Purpose
from apps.verification.models import VerificationAnswer
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.schemas.verification import VerifyRequest, VerifyResponse
from apps.verification.services.idempotency import RequestIdReused
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import (
    balance_of,
    make_limited_key,
    make_paying_key,
    run_on_a_loop,
)
from tests.support.factories import IssuedKey, give_credits
from tests.support.orm import make, rows

THREADS = 4
ROUNDS = 15
RETRY_PERIOD = timedelta(milliseconds=300)


def caller_of(number: int) -> Principal:
    """Return an API key that may verify keys."""
    return Principal(
        user_id=1, kind=CredentialKind.API_KEY, is_staff=False, scopes=frozenset({"keys:verify"}), api_key_id=number
    )


def request_for(key: IssuedKey, **fields: Any) -> VerifyRequest:
    return VerifyRequest(key=SecretStr(key.secret), **fields)


@pytest.mark.parametrize("cost", [1, 11])
async def test_after_the_retry_period_the_id_is_refused_and_never_charged_again(database: None, cost: int):
    key: IssuedKey = await make(make_paying_key)
    service = VerificationService(DecisionRepository(), retry_period=RETRY_PERIOD)
    request = request_for(key, cost=cost, request_id="r")
    first = await service.verify(caller_of(1), request)
    assert await service.verify(caller_of(1), request) == first
    await asyncio.sleep(RETRY_PERIOD.total_seconds())
    for _ in range(2):
        with pytest.raises(RequestIdReused):
            await service.verify(caller_of(1), request)
    assert (await service.verify(caller_of(2), request)).code is first.code
    assert len(await rows(VerificationAnswer.objects.all())) == 2
    assert await balance_of(key.row) == (8 if cost == 1 else 10)
    await make(ApiKey.objects.filter(pk=key.id).update, is_active=False)
    if cost == 1:
        assert (await service.verify(caller_of(1), request)).code is Code.DISABLED


async def test_an_inspection_is_no_retry_and_leaves_no_record(database: None):
    key: IssuedKey = await make(make_paying_key)
    service, request = VerificationService(DecisionRepository()), request_for(key, request_id="r")
    assert (await service.verify(caller_of(1), request, Purpose.INSPECTION)).rate_limits[0].remaining == 5
    assert await rows(VerificationAnswer.objects.all()) == []
    await service.verify(caller_of(1), request)
    assert (await service.verify(caller_of(1), request, Purpose.INSPECTION)).rate_limits[0].remaining == 4


def test_the_retry_period_is_a_setting(settings: Any):
    settings.REQUEST_ID_RETRY_SECONDS = 7
    built: VerificationService = dependencies.verification_service.__wrapped__()
    assert built._retry_period == timedelta(seconds=7)


def on_threads[T](worker: Any) -> list[T]:
    """Return what the workers return, each on an event loop and with connections of its own."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda number: run_on_a_loop(lambda: worker(number)), range(THREADS)))


def test_concurrent_retries_on_several_workers_are_charged_once(database: None):
    key, together = make_limited_key(), Barrier(THREADS)
    give_credits(key.row.user, 100)

    async def worker(_number: int) -> list[VerifyResponse]:
        service, answers = VerificationService(DecisionRepository()), []
        for turn in range(ROUNDS):
            together.wait()
            sent = request_for(key, cost=Decimal(1), request_id=f"r {turn}", tag="same")
            answers += await service.verify_all(caller_of(1), [sent, sent])
        return answers

    answers: list[list[VerifyResponse]] = on_threads(worker)
    assert all(each == answers[0] for each in answers)
    assert {str(answer.code) for answer in answers[0]} == {"VALID"}
    assert [answer.balance for answer in answers[0]] == [100 - turn // 2 - 1 for turn in range(2 * ROUNDS)]
    charged = LedgerEntry.objects.filter(type="usage")
    assert [entry.amount for entry in charged] == [-1] * ROUNDS
    assert VerificationAnswer.objects.count() == ROUNDS


def test_of_several_calls_with_an_id_on_several_workers_one_is_charged(database: None):
    key, together = make_limited_key(), Barrier(THREADS)
    give_credits(key.row.user, 100)

    async def worker(number: int) -> list[bool]:
        service, charged = VerificationService(DecisionRepository()), []
        for turn in range(ROUNDS):
            together.wait()
            sent = request_for(key, cost=Decimal(1), request_id=f"r {turn}", tag=str(number))
            found = await asyncio.gather(service.verify(caller_of(1), sent), return_exceptions=True)
            assert isinstance(found[0], VerifyResponse | RequestIdReused), found
            charged.append(isinstance(found[0], VerifyResponse))
        return charged

    charged: list[list[bool]] = on_threads(worker)
    assert [sum(turn) for turn in zip(*charged, strict=True)] == [1] * ROUNDS
    assert sum(entry.amount for entry in LedgerEntry.objects.filter(type="usage")) == -ROUNDS


def test_each_caller_on_several_workers_is_charged_for_itself(database: None):
    key, together = make_limited_key(), Barrier(THREADS)
    give_credits(key.row.user, 100)

    async def worker(number: int) -> set[Code]:
        service, codes = VerificationService(DecisionRepository()), set()
        for turn in range(ROUNDS):
            together.wait()
            sent = request_for(key, cost=Decimal(1), request_id=f"r {turn}")
            codes |= {answer.code for answer in await service.verify_all(caller_of(number), [sent, sent])}
        return codes

    codes: list[set[Code]] = on_threads(worker)
    assert codes == [{Code.VALID}] * THREADS
    assert sum(entry.amount for entry in LedgerEntry.objects.filter(type="usage")) == -ROUNDS * THREADS
    assert VerificationAnswer.objects.count() == ROUNDS * THREADS
