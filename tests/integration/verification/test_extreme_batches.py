"""One call with an extreme value, or very many calls, never fail a batch for the others in it."""

import asyncio
from decimal import Decimal
from typing import Any

from apps.api_keys.models import ApiKeyCounter
from apps.core.rate_limits.rate_limit import LIMIT_MAXIMUM, PERIOD_SECONDS_MAXIMUM
from apps.core.values.amounts import AMOUNT_MAXIMUM, AMOUNT_STEP
from apps.usage.models import UsageRecord
from apps.verification.domain import Code, VerificationQuery
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.schemas.verification import WEIGHT_MAXIMUM, response_json
from apps.verification.services.batcher import BATCH_SIZE_MAXIMUM
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import balance_of, decide_on, make_limited_key, usage
from tests.support.factories import IssuedKey, give_credits, make_key
from tests.support.orm import make, rows
from tests.unit.verification.records import query_about

NAMES = ['"', "\\", "{}", "{,}", "NULL", '\\"', "'; DROP TABLE users; --", "ä€😀", "a" * 100, "%s %(now)s $1"]
LIMITS = [(f"limit-{number}", LIMIT_MAXIMUM, PERIOD_SECONDS_MAXIMUM - number) for number in range(10)]


async def codes_of(*queries: VerificationQuery) -> list[Code]:
    """Return the codes of one batch, whose responses can be written."""
    verdicts = await decide_on(queries)
    for verdict in verdicts:
        assert response_json(verdict, "r")
    return [verdict.code for verdict in verdicts]


async def test_amounts_at_the_bounds_of_their_column(database: None):
    rich, other = await make(make_limited_key), await make(make_key)
    await make(give_credits, rich.row.user, AMOUNT_MAXIMUM)

    def of(cost: Decimal) -> VerificationQuery:
        return query_about(rich.secret, cost=cost)

    found = await codes_of(
        of(AMOUNT_MAXIMUM), of(AMOUNT_STEP), query_about(other.secret), query_about(other.secret, cost=AMOUNT_MAXIMUM)
    )
    assert found == [Code.VALID, Code.INSUFFICIENT_CREDITS, Code.VALID, Code.INSUFFICIENT_CREDITS]
    # What it has spent in all is at its bound too, so that the key cannot spend more, whatever the balance.
    await make(give_credits, rich.row.user, AMOUNT_MAXIMUM)
    assert await codes_of(of(AMOUNT_STEP), query_about(other.secret), of(Decimal(0))) == [
        Code.INSUFFICIENT_CREDITS, Code.VALID, Code.VALID,
    ]  # fmt: skip
    assert await balance_of(rich.row) == AMOUNT_MAXIMUM


async def test_the_largest_weights_and_limits_all_at_once(database: None):
    key: IssuedKey = await make(make_limited_key, *LIMITS)
    for number in range(1, 20):
        queries = [query_about(key.secret, weight=WEIGHT_MAXIMUM) for _ in range(BATCH_SIZE_MAXIMUM)]
        assert set(await codes_of(*queries)) == {Code.VALID}
        (verdict,) = await decide_on([query_about(key.secret, weight=1)])
        used = number * (BATCH_SIZE_MAXIMUM * WEIGHT_MAXIMUM + 1)
        assert {status.remaining for status in verdict.rate_limits} == {LIMIT_MAXIMUM - used}
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert len(counter.entries) < 10_000


async def test_awkward_texts_in_one_batch(database: None):
    key, other = await make(make_key), await make(make_key)
    queries = [
        query_about(key.secret, tag=name, request_id=name, is_idempotent=True, caller_name="c") for name in NAMES
    ]
    service = VerificationService(DecisionRepository())
    first = await asyncio.gather(*map(service.decide, [*queries, query_about(other.secret)]))
    assert {verdict.code for verdict in first} == {Code.VALID}
    found = [(record.tag, record.request_id) for record in await usage()]
    assert sorted(found) == sorted([*zip(NAMES, NAMES, strict=True), ("", "r")])
    again = await asyncio.gather(*map(service.decide, queries))
    assert [verdict.stored_response for verdict in again] == [
        response_json(verdict, name) for verdict, name in zip(first[:-1], NAMES, strict=True)
    ]
    assert len(await usage()) == len(NAMES) + 1


async def test_each_call_of_a_full_batch_of_one_customer(database: None):
    keys = [await make(make_limited_key, ("hour", 200, 3600))]
    keys += [await make(make_key, keys[0].row.user) for _ in range(3)]
    await make(give_credits, keys[0].row.user, 230)
    queries = [query_about(key.secret, cost=Decimal(1)) for _ in range(BATCH_SIZE_MAXIMUM // 4) for key in keys]
    found = await codes_of(*queries)
    assert (found.count(Code.VALID), found.count(Code.INSUFFICIENT_CREDITS)) == (230, 26)
    assert await balance_of(keys[0].row) == 0
    records: list[Any] = await rows(UsageRecord.objects.filter(user_id=keys[0].row.user_id))
    assert sum(record.cost for record in records) == 230
    counters = await rows(ApiKeyCounter.objects.filter(pk__in=[key.id for key in keys]))
    assert sum(counter.budget_spent for counter in counters) == 230
