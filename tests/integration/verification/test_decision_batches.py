"""A batch is one transaction of two round trips, on indexes, with its locks in one order."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from psycopg import AsyncRawCursor

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret
from apps.api_keys.services.key_format import digest_of
from apps.core.database.parameters import NumberedStatement, array_of_numbers
from apps.core.database.pipeline.pipelined_transaction import PipelinedTransaction
from apps.core.database.pool import connection
from apps.credits.models import LedgerEntry
from apps.usage.models import UsageDenial
from apps.users.models import User
from apps.verification.domain import Caller, Code, Purpose, VerificationQuery
from apps.verification.models import VerificationAnswer
from apps.verification.repositories import batch_writer
from apps.verification.repositories import decision_repository as repository
from apps.verification.repositories.decision_repository import LOCKED, SKIPPING, DecisionRepository
from apps.verification.repositories.record_changes import CHECK
from apps.verification.services.decision import decide
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import decide_on, denials, make_limited_key, usage
from tests.support.factories import IssuedKey, give_credits, make_key, make_service_key, make_user
from tests.support.orm import make, rows
from tests.unit.verification.records import RETRY_PERIOD, query_about

TABLES = ("api_keys", "api_key_secrets", "api_key_counters", "users", "credit_balances", "plans", "plan_limits")
KEYS_IN_A_LARGE_TABLE = 5000


NAMES = [
    (CHECK, "check"),
    (repository.RECORDS, "records"),
    (repository.LOCKED.balances, "lock balances"),
    (repository.UNLOCKED.balances, "balances"),
    (repository.UNLOCKED.counters, "counters"),
    (repository.LOAD_IDEMPOTENCY_RECORDS, "load idempotency records"),
    (batch_writer.WRITE_USAGE, "write usage"),
    (batch_writer.COUNT_DENIALS, "count denials"),
    (batch_writer.INSERT_IDEMPOTENCY_RECORDS, "insert idempotency records"),
    (batch_writer.TOUCH, "touch"),
]
# The round trips of batches: of the first on a worker, and of the others if their keys are cached.
SNAPSHOT = ["lock balances", "counters", "check"]
FIRST_SNAPSHOT = [["check"], ["records"], SNAPSHOT]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The statements that are run, by what they do, and in which round trip; the last commits."""
    names = {statement.sql: name for statement, name in NAMES}
    seen: list[list[str]] = []
    sent: list[str] = []
    send, run, commit = PipelinedTransaction.send, PipelinedTransaction.run, PipelinedTransaction.commit

    def note(self: PipelinedTransaction, sql: str, parameters: Sequence[Any]) -> None:
        sent.append(names[sql])
        send(self, sql, parameters)

    async def note_run(self: PipelinedTransaction, *statements: tuple[str, Sequence[Any]]) -> Any:
        results = await run(self, *statements)
        seen.append(sent.copy())
        sent.clear()
        return results

    async def note_commit(self: PipelinedTransaction) -> None:
        await commit(self)
        seen.append(sent.copy())
        sent.clear()

    for name, noting in (("send", note), ("run", note_run), ("commit", note_commit)):
        monkeypatch.setattr(PipelinedTransaction, name, noting)
    return seen


async def codes_of(*queries: VerificationQuery, on: DecisionRepository | None = None) -> list[Code]:
    return [verdict.code for verdict in await decide_on(queries, on)]


async def test_a_batch_of_many_keys_writes_once(database: None, executed: list[list[str]]):
    owners = [await make(make_user) for _ in range(2)]
    keys = [await make(make_key, owner) for owner in owners * 10]
    for owner in owners:
        await make(give_credits, owner, 100)
    sent = [query_about(key.secret, cost=Decimal(cost)) for cost in (0, 1, 2) for key in keys]
    worker = DecisionRepository()
    assert await codes_of(*sent, on=worker) == [Code.VALID] * 60
    assert executed == [*FIRST_SNAPSHOT, ["write usage"]]
    assert len(await usage()) == 60
    assert len(await rows(LedgerEntry.objects.filter(type="usage"))) == 2
    executed.clear()
    assert await codes_of(*sent[:20], on=worker) == [Code.VALID] * 20
    assert executed == [SNAPSHOT, ["write usage"]]


async def test_a_worker_loads_only_the_keys_that_it_has_not_cached(database: None, executed: list[list[str]]):
    keys, worker = [await make(make_key) for _ in range(3)], DecisionRepository()
    sent = [query_about(key.secret) for key in keys]
    assert await codes_of(sent[0], on=worker) == [Code.VALID]
    executed.clear()
    assert await codes_of(*sent, on=worker) == [Code.VALID] * 3
    # With a position, what is loaded is checked with the rest.
    assert executed == [["records"], SNAPSHOT, ["write usage"]]


async def test_a_changed_key_is_loaded_again_in_one_more_round_trip(database: None, executed: list[list[str]]):
    keys, worker = [await make(make_key) for _ in range(2)], DecisionRepository()
    sent = [query_about(key.secret) for key in keys]
    assert await codes_of(*sent, on=worker) == [Code.VALID] * 2
    await make(ApiKey.objects.filter(pk=keys[0].id).update, is_active=False)
    executed.clear()
    assert await codes_of(*sent, on=worker) == [Code.DISABLED, Code.VALID]
    assert executed == [SNAPSHOT, ["records"], ["write usage", "count denials"]]
    executed.clear()
    assert await codes_of(*sent, on=worker) == [Code.DISABLED, Code.VALID]
    assert executed == [SNAPSHOT, ["write usage", "count denials"]]


async def test_a_refused_batch_writes_only_denials(database: None, executed: list[list[str]]):
    refused: IssuedKey = await make(make_key, is_active=False)
    assert await codes_of(*[query_about(refused.secret)] * 3) == [Code.DISABLED] * 3
    assert executed == [*FIRST_SNAPSHOT, ["count denials"]]
    executed.clear()
    unknown = VerificationQuery(digest=b"unknown"), VerificationQuery(digest=b"")
    assert await codes_of(*unknown) == [Code.NOT_FOUND] * 2
    assert executed == [*FIRST_SNAPSHOT, []]
    assert await denials() == {(refused.id, "DISABLED"): 3}


async def test_unknown_and_malformed_keys_are_not_cached(database: None, executed: list[list[str]]):
    worker = DecisionRepository()
    for digest, is_loaded in ((b"unknown", True), (b"unknown", True), (b"", False)):
        executed.clear()
        assert await codes_of(VerificationQuery(digest=digest), on=worker) == [Code.NOT_FOUND]
        assert (["records"] in executed, executed[-2:]) == (is_loaded, [SNAPSHOT, []])


async def test_denials_of_one_code_are_counted_by_detail(database: None):
    key: IssuedKey = await make(make_key)
    sent = [query_about(key.secret, scopes=(scope,)) for scope in ("a:b", "a:c", "a:b")]
    assert await codes_of(*sent) == [Code.INSUFFICIENT_SCOPES] * 3
    counted = await rows(UsageDenial.objects.order_by("detail"))
    assert [(denial.code, denial.detail, denial.count) for denial in counted] == [
        ("INSUFFICIENT_SCOPES", "a:b", 2),
        ("INSUFFICIENT_SCOPES", "a:c", 1),
    ]


async def test_idempotency_records_are_read_and_written(database: None, executed: list[list[str]]):
    key: IssuedKey = await make(make_key)
    service = VerificationService(DecisionRepository())
    query = query_about(key.secret, is_idempotent=True)
    snapshot = [*SNAPSHOT, "load idempotency records"]
    assert (await service.decide(query)).code is Code.VALID
    assert executed == [*FIRST_SNAPSHOT[:2], snapshot, ["write usage", "insert idempotency records"]]
    executed.clear()
    assert (await service.decide(query)).stored_response is not None
    assert executed == [snapshot, []]
    assert len(await rows(VerificationAnswer.objects.all())) == 1


async def test_callers_are_not_locked_and_are_updated_once_in_a_while(
    database: None, executed: list[list[str]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("apps.verification.repositories.decision_repository.USE_SECONDS", 60)
    key, client = await make(make_key), await make(make_service_key)
    query = query_about(key.secret, caller=Caller(digest_of(client.secret), None, "keys:verify"))
    service = VerificationService(DecisionRepository())
    for trips in ([*FIRST_SNAPSHOT, ["write usage", "touch"]], [SNAPSHOT, ["write usage"]]):
        assert (await service.decide(query)).code is Code.VALID
        assert executed == trips
        executed.clear()
    async with connection() as borrowed, borrowed.transaction():
        for lock in (
            "SELECT 1 FROM credit_balances WHERE user_id = %s FOR UPDATE",
            "SELECT 1 FROM users WHERE id = %s FOR UPDATE",
        ):
            await borrowed.execute(lock, [client.row.user_id])
        async with asyncio.timeout(1):
            assert (await service.decide(query)).code is Code.VALID


async def test_inspections_lock_and_write_nothing(database: None, executed: list[list[str]]):
    key: IssuedKey = await make(make_limited_key, ("hour", 1, 3600))
    query, worker = query_about(key.secret, purpose=Purpose.INSPECTION), DecisionRepository()
    snapshot = ["balances", "counters", "check"]
    for trips in ([["check"], ["records"], snapshot, []], [snapshot, []]):
        (verdict,) = await decide_on([query], worker)
        assert (verdict.code, verdict.rate_limits[0].remaining) == (Code.VALID, 1)
        assert executed == trips
        executed.clear()
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (await usage(), await denials(), bytes(counter.entries), counter.windows) == ([], {}, b"", "[]")


async def test_nothing_is_written_when_deciding_fails(database: None):
    key: IssuedKey = await make(make_key)
    queries = [query_about(key.secret)]
    with pytest.raises(LookupError):
        async with DecisionRepository().open_batch(queries) as opened:
            opened.write(decide(opened.snapshot, queries, RETRY_PERIOD)[1])
            raise LookupError("no verdict")
    assert await usage() == []
    assert await codes_of(query_about(key.secret)) == [Code.VALID]


async def test_balances_are_locked_in_order_of_their_customers(database: None):
    keys = [await make(make_key, await make(make_user)) for _ in range(5)]
    user_ids = [key.row.user_id for key in keys]
    values = {"user_ids": array_of_numbers(list(reversed(user_ids)))}
    assert [row[0] for row in await _run("", LOCKED.balances, values)] == sorted(user_ids)
    plan = await _plan(LOCKED.balances, values)
    # The lock is taken above what sorts (a Sort, or an index in that order), so in its order.
    assert plan[0].startswith("LockRows")
    assert LOCKED.balances.sql.rstrip().endswith("ORDER BY user_id\nFOR NO KEY UPDATE")
    # The counters are covered by that lock.
    assert "LockRows" not in "".join(await _plan(LOCKED.counters, {"key_ids": array_of_numbers([keys[0].id])}))


async def test_after_a_lock_timeout_both_locks_skip(database: None):
    keys = [await make(make_key, await make(make_user)) for _ in range(3)]
    user_ids = {"user_ids": array_of_numbers([key.row.user_id for key in keys])}
    key_ids = {"key_ids": array_of_numbers([key.id for key in keys])}
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute(
            "SELECT 1 FROM credit_balances WHERE user_id = %s FOR NO KEY UPDATE", [keys[0].row.user_id]
        )
        await borrowed.execute("SELECT 1 FROM api_key_counters WHERE api_key_id = %s FOR NO KEY UPDATE", [keys[1].id])
        found = await _run("", SKIPPING.balances, user_ids)
        assert [row[0] for row in found] == [key.row.user_id for key in keys[1:]]
        assert [row[0] for row in await _run("", SKIPPING.counters, key_ids)] == [keys[0].id, keys[2].id]


@pytest.mark.parametrize("is_analysed", [True, False])
async def test_a_snapshot_uses_indexes(database: None, is_analysed: bool):
    owner = await make(make_user)
    digests = await make(_make_many_keys, owner)
    if is_analysed:
        async with connection() as borrowed:
            for table in TABLES:
                await borrowed.execute(f"ANALYZE {table}".encode())
    key_ids = [row.pk for row in await rows(ApiKey.objects.filter(user=owner)[:10])]
    plans = {
        "records": await _plan(repository.RECORDS, {"digests": digests[:10]}),
        "counters": await _plan(LOCKED.counters, {"key_ids": array_of_numbers(key_ids)}),
    }
    for table in ("api_key_secrets", "api_keys", "api_key_counters"):
        assert not any(f"Seq Scan on {table}" in line for plan in plans.values() for line in plan), plans
    for name, index in (
        ("records", "api_key_secrets_digest"),
        ("records", "api_keys_pkey"),
        ("counters", "api_key_counters_pkey"),
    ):
        assert any(index in line for line in plans[name]), plans[name]


async def _plan(statement: NumberedStatement, values: dict[str, Any]) -> list[str]:
    return [line.strip() for (line,) in await _run("EXPLAIN ", statement, values)]


async def _run(prefix: str, statement: NumberedStatement, values: dict[str, Any]) -> list[Any]:
    sql, parameters = statement.bind(values)
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
