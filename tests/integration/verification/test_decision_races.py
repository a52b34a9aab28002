"""Batches and changes at the same time, on event loops of their own in real threads."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from apps.api_keys.dependencies import api_key_service
from apps.api_keys.services.key_format import digest_of
from apps.core.database.pool import close_pool
from apps.core.security.principal import OPERATOR
from apps.usage.models import UsageEvent
from apps.verification.models import Code, Question
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.services.decision import decide
from tests.support.factories import IssuedKey, make_key, make_user

THREADS = 6
BATCHES = 40
KEYS = 12


def run_on_a_loop(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def whole() -> Any:
        try:
            return await ask()
        finally:
            await close_pool()

    return asyncio.run(whole())


def make_keys() -> list[IssuedKey]:
    owner = make_user()
    return [make_key(owner) for _ in range(KEYS)]


def test_batches_of_the_same_keys_in_opposite_orders_never_deadlock(database: None):
    keys = make_keys()

    def worker(number: int) -> Counter[Code]:
        shuffled = random.Random(number)  # a seed of its own: each thread in another order, the same in each run

        async def ask() -> Counter[Code]:
            seen: Counter[Code] = Counter()
            for _ in range(BATCHES):
                order = shuffled.sample(keys, KEYS)
                questions = [Question(digest_of(key.secret), request_id="r") for key in order]
                seen.update(verdict.code for verdict in await DecisionRepository().decide(questions, decide))
            return seen

        result: Counter[Code] = run_on_a_loop(ask)
        return result

    with ThreadPoolExecutor(THREADS) as threads:
        seen = sum(threads.map(worker, range(THREADS)), Counter())
    assert seen == {Code.VALID: THREADS * BATCHES * KEYS}
    used = Counter(UsageEvent.objects.values_list("api_key_id", flat=True))
    assert used == {key.id: THREADS * BATCHES for key in keys}


def test_a_revocation_in_the_midst_is_before_a_batch_or_after_it(database: None):
    keys = make_keys()
    victim = keys[KEYS // 2]
    revoked = asyncio.Event()

    async def ask_until_revoked() -> tuple[list[Code], list[Code]]:
        before: list[Code] = []
        after: list[Code] = []
        while len(after) < 5:
            was_revoked = revoked.is_set()
            questions = [Question(digest_of(key.secret), request_id="r") for key in reversed(keys)]
            verdicts = await DecisionRepository().decide(questions, decide)
            (code,) = [verdict.code for verdict in verdicts if verdict.record and verdict.record.key_id == victim.id]
            (after if was_revoked else before).append(code)
        return before, after

    async def revoke_soon() -> None:
        await asyncio.sleep(0.1)
        await api_key_service().revoke(OPERATOR, victim.id, "leaked")
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
    assert UsageEvent.objects.filter(api_key_id=victim.id).count() == befores.count(Code.VALID)
