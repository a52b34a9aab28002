"""Verifying keys: through the API, and through the repository only."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any

import httpx

from apps.api_keys.models import ApiKey
from apps.core.database.pool import close_pools
from apps.credits.models import CreditBalance, LedgerEntry
from apps.usage.models import UsageDenial, UsageRecord
from apps.users.models import User
from apps.verification.domain import Verdict, VerificationQuery
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.services.decision import decide
from tests.support.factories import IssuedKey, give_credits, make_key, make_plan, make_service_key, make_user
from tests.support.orm import make, rows
from tests.unit.verification.records import RETRY_PERIOD

PATH = "/api/v1/keys/verify"
BATCH_PATH = "/api/v1/keys/verify-batch"


async def verify(api: httpx.AsyncClient, key: str, service: IssuedKey | None = None, **query: Any) -> dict[str, Any]:
    """Return the response that a service gets."""
    caller: IssuedKey = service or await make(make_service_key)
    answer = await api.post(PATH, json={"key": key, **query}, headers=caller.headers)
    assert answer.status_code == 200, answer.text
    verdict: dict[str, Any] = answer.json()
    return verdict


async def decide_on(
    queries: Sequence[VerificationQuery], repository: DecisionRepository | None = None
) -> list[Verdict]:
    """Return the verdicts of one batch, whose effects are committed. None of them is an error."""
    async with (repository or DecisionRepository()).open_batch(queries) as opened:
        decided, effects = decide(opened.snapshot, queries, RETRY_PERIOD)
        opened.write(effects)
    verdicts = [verdict for verdict in decided if isinstance(verdict, Verdict)]
    assert len(verdicts) == len(decided), decided
    return verdicts


def make_limited_key(*rate_limits: tuple[str, int, int], **fields: Any) -> IssuedKey:
    """Return a key whose owner's plan has these rate limits."""
    return make_key(make_user(plan=make_plan(*rate_limits)), **{"scopes": ["account:read"], **fields})


def make_paying_key() -> IssuedKey:
    """Return a key with a rate limit of five calls, whose owner has 10 credits."""
    key = make_limited_key(("hour", 5, 3600), metadata={"a": [1, 0.5, "ä"]})
    give_credits(key.row.user, 10)
    return key


async def usage() -> list[UsageRecord]:
    """Return the usage events, in order of their ids."""
    return await rows(UsageRecord.objects.order_by("id"))


async def denials() -> dict[tuple[int, str], int]:
    """Return how many calls of each key were refused, by code."""
    counted = await rows(UsageDenial.objects.all())
    found: dict[tuple[int, str], int] = {}
    for denial in counted:
        name = (denial.api_key_id, denial.code)
        found[name] = found.get(name, 0) + denial.count
    return found


async def balance_of(user: User | ApiKey) -> Decimal:
    """Return the customer's balance, after checking that the ledger agrees."""
    user_id = user.user_id if isinstance(user, ApiKey) else user.pk
    (stored,) = await rows(CreditBalance.objects.filter(pk=user_id))
    entries = await rows(LedgerEntry.objects.filter(user_id=user_id).order_by("id"))
    assert stored.balance == sum(entry.amount for entry in entries)
    if entries:
        assert entries[-1].balance_after == stored.balance
    return stored.balance


def run_on_a_loop[T](run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on its own event loop, with its own pool."""

    async def whole() -> T:
        try:
            return await run()
        finally:
            await close_pools()

    return asyncio.run(whole())
