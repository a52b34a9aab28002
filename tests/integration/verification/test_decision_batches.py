"""A batch is one transaction of two round trips, on indexes, with its locks in one order."""

from decimal import Decimal
from typing import Any

import pytest
from psycopg import AsyncRawCursor

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret
from apps.api_keys.services.key_format import digest_of
from apps.core.database.parameters import NumberedStatement, array_of_bytes
from apps.core.database.pool import connection
from apps.credits.models import LedgerEntry
from apps.users.models import User
from apps.verification.domain import Caller, Code, VerificationQuery
from apps.verification.models import VerificationAnswer
from apps.verification.repositories import decision_repository as repository
from apps.verification.repositories.decision_repository import LOAD, LOAD_AND_LOCK, SQL, DecisionRepository
from apps.verification.services.decision import decide
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import decide_on, denials, make_limited_key, usage
from tests.support.factories import IssuedKey, give_credits, make_key, make_service_key, make_user
from tests.support.orm import make, rows
from tests.unit.verification.records import query_about

KEYS_IN_A_LARGE_TABLE = 5000


NAMES = [
    (repository.LOAD, "load"),
    (repository.LOAD_AND_LOCK, "load and lock"),
    (repository.LOAD_IDEMPOTENCY_RECORDS, "load idempotency records"),
    (repository.WRITE_USAGE, "write usage"),
    (repository.COUNT_DENIALS, "count denials"),
    (repository.INSERT_IDEMPOTENCY_RECORDS, "insert idempotency records"),
    (repository.TOUCH, "touch"),
]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are run, by what they do; how they become one transaction is the pool's to say."""
    names = {statement.sql: name for statement, name in NAMES}
    seen: list[str] = []
    bind = NumberedStatement.bind

    def note(self: NumberedStatement, values: Any) -> Any:
        seen.append(names[self.sql])
        return bind(self, values)

    monkeypatch.setattr(NumberedStatement, "bind", note)
    return seen


async def codes_of(*queries: VerificationQuery) -> list[Code]:
    return [verdict.code for verdict in await decide_on(queries)]


async def test_a_batch_of_many_keys_writes_once(database: None, executed: list[str]):
    owners = [await make(make_user) for _ in range(2)]
    keys = [await make(make_key, owner) for owner in owners * 10]
    for owner in owners:
        await make(give_credits, owner, 100)
    executed.clear()
    sent = [query_about(key.secret, cost=Decimal(cost)) for cost in (0, 1, 2) for key in keys]
    assert await codes_of(*sent) == [Code.VALID] * 60
    assert executed == ["load and lock", "write usage"]
    assert len(await usage()) == 60
    assert len(await rows(LedgerEntry.objects.filter(type="usage"))) == 2


async def test_a_refused_batch_writes_only_denials(database: None, executed: list[str]):
    refused: IssuedKey = await make(make_key, is_active=False)
    assert await codes_of(*[query_about(refused.secret)] * 3) == [Code.DISABLED] * 3
    assert executed == ["load and lock", "count denials"]
    executed.clear()
    assert await codes_of(VerificationQuery(b"unknown"), VerificationQuery(b"")) == [Code.NOT_FOUND] * 2
    assert executed == ["load and lock"]
    assert await denials() == {(refused.id, "DISABLED"): 3}


async def test_idempotency_records_are_read_and_written(database: None, executed: list[str]):
    key: IssuedKey = await make(make_key)
    service = VerificationService(DecisionRepository())
    query = query_about(key.secret, is_idempotent=True)
    assert (await service.decide(query)).code is Code.VALID
    assert executed == ["load and lock", "load idempotency records", "write usage", "insert idempotency records"]
    executed.clear()
    assert (await service.decide(query)).stored_response is not None
    assert executed == ["load and lock", "load idempotency records"]
    assert len(await rows(VerificationAnswer.objects.all())) == 1


async def test_callers_are_not_locked_and_are_updated_once_a_minute(database: None, executed: list[str]):
    key, client = await make(make_key), await make(make_service_key)
    query = query_about(key.secret, caller=Caller(digest_of(client.secret), None, "keys:verify"))
    service = VerificationService(DecisionRepository())
    for statements in (["load and lock", "write usage", "touch"], ["load and lock", "write usage"]):
        assert (await service.decide(query)).code is Code.VALID
        assert executed == statements
        executed.clear()


async def test_unmetered_queries_lock_and_write_nothing(database: None, executed: list[str]):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600))
    query = query_about(key.secret, is_metered=False, is_recorded=False)
    for _ in range(2):
        (verdict,), _ = decide(await DecisionRepository().load([query]), [query])
        assert (verdict.code, verdict.rate_limits[0].remaining) == (Code.VALID, 1)
    assert executed == ["load"] * 2
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (await usage(), await denials(), counter.windows) == ([], {}, "[]")


async def test_nothing_is_written_when_deciding_fails(database: None):
    key: IssuedKey = await make(make_key)
    queries = [query_about(key.secret)]
    with pytest.raises(LookupError):
        async with DecisionRepository().lock(queries, skip_locked=False) as locked:
            locked.write(decide(locked.snapshot, queries)[1])
            raise LookupError("no verdict")
    assert await usage() == []
    assert await codes_of(query_about(key.secret)) == [Code.VALID]


async def test_rows_are_locked_in_order_of_owner_and_key(database: None):
    owners = [await make(make_user) for _ in range(2)]
    keys = [await make(make_key, owner) for owner in (*owners, *reversed(owners), owners[0])]
    digests = [digest_of(key.secret) for key in reversed(keys)]
    found = await _run("", LOAD_AND_LOCK, digests)
    plan = await _plan(LOAD_AND_LOCK, digests)
    assert [row[2] for row in found if not row[repository.IS_CALLER]] == [
        key.id for key in sorted(keys, key=lambda key: (key.row.user_id, key.id))
    ]
    # The lock is taken above what sorts (a Sort, or an index in that order), so in its order.
    assert plan[plan.index("CTE queried") + 1].startswith("->  LockRows")
    assert sum("LockRows" in line for line in plan) == 1
    assert SQL["lock"].rstrip().endswith("ORDER BY owner.id, key.id\nFOR NO KEY UPDATE OF balance, counter")


async def test_loading_uses_indexes(database: None):
    owner = await make(make_user)
    digests = await make(_make_many_keys, owner)
    async with connection() as borrowed:
        for table in (
            "api_keys",
            "api_key_secrets",
            "api_key_counters",
            "users",
            "credit_balances",
            "plans",
            "plan_limits",
        ):
            await borrowed.execute(f"ANALYZE {table}".encode())
    for load in (LOAD, LOAD_AND_LOCK):
        plan = "\n".join(await _plan(load, digests[:10]))
        for table in ("api_key_secrets", "api_keys", "api_key_counters"):
            assert f"Seq Scan on {table}" not in plan, plan
        for index in ("api_key_secrets_digest", "api_keys_pkey", "api_key_counters_pkey"):
            assert index in plan, plan


async def _plan(load: NumberedStatement, digests: list[bytes]) -> list[str]:
    return [line.strip() for (line,) in await _run("EXPLAIN ", load, digests)]


async def _run(prefix: str, load: NumberedStatement, digests: list[bytes]) -> list[Any]:
    sql, parameters = load.bind({"digests": array_of_bytes(digests), "callers": array_of_bytes(digests[:1])})
    async with connection() as borrowed, borrowed.transaction():
        cursor = AsyncRawCursor(borrowed)
        await cursor.execute((prefix + sql).encode(), parameters)
        return await cursor.fetchall()


def _make_many_keys(owner: User) -> list[bytes]:
    numbers = range(KEYS_IN_A_LARGE_TABLE)
    keys = ApiKey.objects.bulk_create([ApiKey(user=owner, name=f"key {number}") for number in numbers])
    secrets = [ApiKeySecret(api_key=key, digest=digest_of(key.name), prefix="sk_live_0000") for key in keys]
    ApiKeySecret.objects.bulk_create(secrets)
    return [digest_of(key.name) for key in keys]
