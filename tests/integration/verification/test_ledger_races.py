"""Calls are charged while staff post to the same customers: balances, ledger and usage agree."""

import asyncio
from decimal import Decimal

import httpx

from apps.core.event_loop import call_service
from apps.credits.models import CreditBalance
from apps.verification.dependencies import ledger_audit
from tests.support.accounts import Account, colleague
from tests.support.factories import IssuedKey, make_key, make_service_key
from tests.support.orm import make, rows

ROUNDS = 25
COST, POSTED = Decimal("0.7"), Decimal("1.1")


async def post(api: httpx.AsyncClient, staff: Account, key: IssuedKey, rounds: int) -> None:
    """Post under each of the references, for which another poster of the same customer races."""
    for number in range(rounds):
        posting = {"amount": str(POSTED), "reference_id": f"invoice {number}"}
        answer = await api.post(f"/api/v1/users/{key.row.user_id}/credits", json=posting, headers=staff.headers)
        assert answer.status_code == 201, answer.text


async def call(api: httpx.AsyncClient, service: IssuedKey, key: IssuedKey) -> int:
    """Return how many of the calls were allowed."""
    codes = []
    for _ in range(ROUNDS):
        query = {"key": key.secret, "cost": str(COST)}
        answer = await api.post("/api/v1/keys/verify", json=query, headers=service.headers)
        codes.append(answer.json()["code"])
    assert set(codes) <= {"VALID", "INSUFFICIENT_CREDITS"}
    return codes.count("VALID")


async def test_concurrent_calls_and_postings_keep_the_ledger_consistent(api: httpx.AsyncClient):
    staff, service = await colleague(), await make(make_service_key)
    keys: list[IssuedKey] = [await make(make_key) for _ in range(3)]
    for key in keys:
        await post(api, staff, key, 1)
    posters = asyncio.gather(*(post(api, staff, key, ROUNDS) for key in keys * 2))
    allowed = await asyncio.gather(*(call(api, service, key) for key in keys))
    await posters
    report = await make(call_service, ledger_audit().run)
    assert (report.violations, report.usage_events) == ([], sum(allowed))
    for key, calls in zip(keys, allowed, strict=True):
        (balance,) = await rows(CreditBalance.objects.filter(pk=key.row.user_id))
        assert balance.balance == POSTED * ROUNDS - COST * calls
        assert calls > 0
