"""Batches and changes at the same time, on event loops of their own in real threads."""

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.models import ApiKeyCounter
from apps.api_keys.schemas.api_key import ApiKeyRevoke
from apps.core.authorization.principal import OPERATOR
from apps.credits.models import CreditBalance, LedgerEntry
from apps.usage.models import UsageDenial, UsageRecord
from apps.verification.domain import Code
from tests.integration.verification.verifying import decide_on, make_limited_key, run_on_a_loop
from tests.support.factories import IssuedKey, give_credits, make_key
from tests.unit.verification.records import query_about

THREADS = 4
BATCHES = 30
CUSTOMERS = 3
KEYS_EACH = 4
LIMIT = 70
CREDITS = Decimal(150)


def make_keys(*rate_limits: tuple[str, int, int]) -> list[IssuedKey]:
    """Return the keys of several customers, whose ids do not follow their owners'."""
    firsts = [make_limited_key(*rate_limits) for _ in range(CUSTOMERS)]
    others = [make_key(first.row.user) for _ in range(KEYS_EACH - 1) for first in reversed(firsts)]
    return [*firsts, *others]


def test_concurrent_batches_never_deadlock_and_lose_nothing(database: None):
    keys = make_keys(("hour", LIMIT, 3600))
    owners = {key.row.user_id: key.row.user for key in keys}
    for owner in owners.values():
        give_credits(owner, CREDITS)

    def worker(number: int) -> Counter[Code]:
        shuffled = random.Random(number)  # a seed of its own: each thread in another order, the same in each run

        async def verify() -> Counter[Code]:
            seen: Counter[Code] = Counter()
            for turn in range(BATCHES):
                order = shuffled.sample(keys, len(keys)) if turn % 3 else sorted(keys, key=_id, reverse=number % 2 == 0)
                verdicts = await decide_on([query_about(key.secret, cost=Decimal(1)) for key in order])
                seen.update(verdict.code for verdict in verdicts)
            return seen

        return run_on_a_loop(verify)

    with ThreadPoolExecutor(THREADS) as threads:
        seen = sum(threads.map(worker, range(THREADS)), Counter[Code]())
    assert seen.total() == THREADS * BATCHES * len(keys)
    # Every customer makes more calls than the credits pay for, and no key more than its rate limits allow.
    assert set(seen) <= {Code.VALID, Code.INSUFFICIENT_CREDITS, Code.RATE_LIMITED}
    assert seen[Code.VALID] == CUSTOMERS * CREDITS
    _check_that_the_books_agree(keys)
    assert {balance.balance for balance in CreditBalance.objects.filter(pk__in=owners)} == {Decimal(0)}
    assert sum(denial.count for denial in UsageDenial.objects.all()) == seen.total() - seen[Code.VALID]


def _id(key: IssuedKey) -> int:
    return key.id


def _check_that_the_books_agree(keys: list[IssuedKey]) -> None:
    spent = Counter[int]()
    for event in UsageRecord.objects.all():
        spent[event.api_key_id] += int(event.cost)
    assert {counter.pk: counter.budget_spent for counter in ApiKeyCounter.objects.filter(budget_spent__gt=0)} == spent
    assert max(spent.values()) <= LIMIT
    for user_id in {key.row.user_id for key in keys}:
        running = Decimal(0)
        for entry in LedgerEntry.objects.filter(user_id=user_id).order_by("id"):
            running += entry.amount
            assert entry.balance_after == running


def test_a_revocation_is_before_or_after_a_batch(database: None):
    keys = make_keys()
    victim = keys[len(keys) // 2]
    revoked = asyncio.Event()

    async def ask_until_revoked() -> tuple[list[Code], list[Code]]:
        before: list[Code] = []
        after: list[Code] = []
        while len(after) < 5:
            was_revoked = revoked.is_set()
            verdicts = await decide_on([query_about(key.secret) for key in reversed(keys)])
            (code,) = [verdict.code for verdict in verdicts if verdict.record and verdict.record.key_id == victim.id]
            (after if was_revoked else before).append(code)
        return before, after

    async def revoke_soon() -> None:
        await asyncio.sleep(0.1)
        await api_key_service().revoke(OPERATOR, victim.id, ApiKeyRevoke(reason="leaked"))
        revoked.set()

    async def race() -> list[tuple[list[Code], list[Code]]]:
        results = await asyncio.gather(*(ask_until_revoked() for _ in range(THREADS)), revoke_soon())
        return [result for result in results if result is not None]

    outcomes = run_on_a_loop(race)
    befores = [code for before, _ in outcomes for code in before]
    afters = [code for _, after in outcomes for code in after]
    assert len(outcomes) == THREADS
    assert set(befores) <= {Code.VALID, Code.DISABLED}
    assert befores.count(Code.VALID) > 0
    assert afters == [Code.DISABLED] * (5 * THREADS)
    assert UsageRecord.objects.filter(api_key_id=victim.id).count() == befores.count(Code.VALID)
