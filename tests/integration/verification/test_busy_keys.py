"""Rows that a long transaction has locked: which queries wait, are refused, or are cancelled meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from apps.api_keys.services.key_format import generate_key
from apps.core.database import pool
from apps.core.database.pool import connection
from apps.verification.domain import Code, Verdict
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.services.verification_service import KeyBusy, VerificationService
from tests.integration.verification.verifying import PATH, balance_of, decide_on, make_limited_key, usage, verify
from tests.support.assertions import assert_error
from tests.support.factories import IssuedKey, give_credits, make_key, make_service_key
from tests.support.orm import make
from tests.unit.verification.records import query_about

COUNTER = "SELECT 1 FROM api_key_counters WHERE api_key_id = %s FOR NO KEY UPDATE"
BALANCE = "SELECT 1 FROM credit_balances WHERE user_id = %s FOR NO KEY UPDATE"
LOCK_TIMEOUT_SECONDS = 0.25
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture(autouse=True)
def _short_lock_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the lock timeout."""
    monkeypatch.setattr(pool, "READ_LOCK_TIMEOUT", f"{LOCK_TIMEOUT_SECONDS}s")


@asynccontextmanager
async def locked(statement: str, row_id: int) -> AsyncIterator[None]:
    """Lock a row as another worker does."""
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute(statement, [row_id])
        yield


async def until_a_lock_is_awaited(times: int = 1) -> None:
    async with asyncio.timeout(1), connection() as borrowed:
        while (await (await borrowed.execute(WAITING)).fetchone() or [0])[0] < times:  # noqa: ASYNC110  others' locks
            await asyncio.sleep(0.005)


async def test_only_queries_about_a_locked_key_are_refused(api: httpx.AsyncClient):
    # The lock of a balance covers the counters of the customer's keys.
    service, busy = await make(make_service_key), await make(make_key)
    free = [await make(make_key) for _ in range(5)]
    async with locked(BALANCE, busy.row.user_id):
        sent = [api.post(PATH, json={"key": key.secret}, headers=service.headers) for key in (*free, busy)]
        *answers, refused = await asyncio.gather(*sent)
    assert [answer.json()["code"] for answer in answers] == ["VALID"] * 5
    assert_error(refused, 503, "UNAVAILABLE")
    assert {event.api_key_id for event in await usage()} == {key.id for key in free}
    assert (await verify(api, busy.secret))["code"] == "VALID"


async def test_a_locked_balance_delays_only_the_keys_of_its_customer(api: httpx.AsyncClient):
    busy: IssuedKey = await make(make_limited_key)
    other, free = await make(make_key, busy.row.user), await make(make_key)
    service: IssuedKey = await make(make_service_key)
    async with locked(BALANCE, busy.row.user_id):
        sent = [api.post(PATH, json={"key": key.secret}, headers=service.headers) for key in (busy, free, other)]
        statuses = [answer.status_code for answer in await asyncio.gather(*sent)]
    assert statuses == [503, 200, 503]
    assert [event.api_key_id for event in await usage()] == [free.id]


async def test_a_counter_that_is_locked_alone_refuses_only_its_key(api: httpx.AsyncClient):
    busy: IssuedKey = await make(make_key)
    other, free = await make(make_key, busy.row.user), await make(make_key)
    service: IssuedKey = await make(make_service_key)
    async with locked(COUNTER, busy.id):
        sent = [api.post(PATH, json={"key": key.secret}, headers=service.headers) for key in (busy, free, other)]
        refused, *answers = await asyncio.gather(*sent)
    assert_error(refused, 503, "UNAVAILABLE")
    assert [answer.json()["code"] for answer in answers] == ["VALID"] * 2
    assert {event.api_key_id for event in await usage()} == {free.id, other.id}
    assert (await verify(api, busy.secret))["code"] == "VALID"


async def test_a_locked_key_row_delays_nothing(api: httpx.AsyncClient):
    key: IssuedKey = await make(make_key)
    async with locked("SELECT 1 FROM api_keys WHERE id = %s FOR UPDATE", key.id):
        assert (await verify(api, key.secret))["code"] == "VALID"


async def test_a_batch_sees_what_it_waited_for(database: None):
    key: IssuedKey = await make(make_limited_key, ("hour", 5, 3600))
    await make(give_credits, key.row.user, 10)
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute("UPDATE credit_balances SET balance = 1 WHERE user_id = %s", [key.row.user_id])
        client = asyncio.create_task(decide_on([query_about(key.secret, cost=Decimal(2))]))
        await until_a_lock_is_awaited()
    (verdict,) = await client
    assert (verdict.code, verdict.balance) == (Code.INSUFFICIENT_CREDITS, Decimal(1))


async def test_a_batch_waits_once_and_then_skips_locked_rows(database: None):
    busy = [await make(make_key) for _ in range(3)]
    free: IssuedKey = await make(make_key)
    service = VerificationService(DecisionRepository())
    queries = [query_about(key.secret) for key in (*busy, free)]
    queries.append(query_about(generate_key("live")))
    async with locked(BALANCE, busy[0].row.user_id), locked(BALANCE, busy[1].row.user_id), locked(COUNTER, busy[2].id):
        # The counter is locked by a transaction that is not of Keyhouse, without its customer's balance.
        began = time.monotonic()
        answers = await asyncio.gather(*map(service.decide, queries), return_exceptions=True)
        waited = time.monotonic() - began
    assert [type(answer) for answer in answers[:3]] == [KeyBusy] * 3
    assert [verdict.code for verdict in answers[3:] if isinstance(verdict, Verdict)] == [Code.VALID, Code.NOT_FOUND]
    assert waited < 3 * LOCK_TIMEOUT_SECONDS
    assert [event.api_key_id for event in await usage()] == [free.id]
    assert (await service.decide(queries[0])).code is Code.VALID


async def test_others_do_not_wait_again_with_a_customer_who_is_locked(database: None):
    busy: IssuedKey = await make(make_key)
    another_key, free = await make(make_key, busy.row.user), await make(make_key)
    service = VerificationService(DecisionRepository())
    for key in (busy, another_key, free):
        assert (await service.decide(query_about(key.secret))).is_valid
    async with locked(BALANCE, busy.row.user_id):
        with pytest.raises(KeyBusy):
            await service.decide(query_about(busy.secret))
        waiting = []
        for number, key in enumerate((busy, another_key), start=1):  # as many batches as may wait
            waiting.append(asyncio.create_task(service.decide(query_about(key.secret))))
            await until_a_lock_is_awaited(number)
        assert (await service.decide(query_about(free.secret))).is_valid
        assert not any(task.done() for task in waiting)
        assert {type(answer) for answer in await asyncio.gather(*waiting, return_exceptions=True)} == {KeyBusy}
    assert [(await service.decide(query_about(key.secret))).code for key in (busy, another_key)] == [Code.VALID] * 2


async def test_a_client_that_disconnects_while_the_batch_waits_is_not_charged(database: None):
    key: IssuedKey = await make(make_limited_key, ("hour", 5, 3600))
    await make(give_credits, key.row.user, 10)
    service = VerificationService(DecisionRepository())
    query = query_about(key.secret, cost=Decimal(3), tag="stayed")
    async with locked(BALANCE, key.row.user_id):
        stayed = asyncio.create_task(service.decide(query))
        cancelled = [
            asyncio.create_task(
                service.decide(replace(query, tag="cancelled", request_id=name, is_idempotent=bool(name)))
            )
            for name in ("", "r")
        ]
        await until_a_lock_is_awaited()
        for task in cancelled:
            task.cancel()
        await asyncio.wait(cancelled)
    verdict = await stayed
    assert (verdict.code, verdict.balance, verdict.rate_limits[0].remaining) == (Code.VALID, Decimal(7), 4)
    assert [event.tag for event in await usage()] == ["stayed"]
    assert await balance_of(key.row) == 7
    # The cancelled query with a request id has no stored response, so a retry is decided.
    again = await service.decide(replace(query, request_id="r", is_idempotent=True))
    assert (again.stored_response, again.balance) == (None, Decimal(4))
