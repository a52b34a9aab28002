"""A batch is one transaction of two round trips, on indexes, with its locks in order of id."""

from collections.abc import Sequence
from typing import Any

import pytest
from psycopg import AsyncConnection

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.api_keys.services.key_format import digest_of
from apps.core.database.pool import connection
from apps.usage.models import UsageEvent
from apps.users.models import User
from apps.verification.models import Code, Question
from apps.verification.repositories.decision_repository import LOAD_AND_LOCK, SQL, DecisionRepository
from apps.verification.services.decision import decide
from tests.support.factories import make_key, make_user
from tests.support.orm import make, rows

KEYS_IN_A_LARGE_TABLE = 5000


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are run on native connections, by their names in the SQL file."""
    names = {text: name for name, text in SQL.items()} | {LOAD_AND_LOCK: "load and lock"}
    seen: list[str] = []
    execute = AsyncConnection.execute

    async def note(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(names.get(query, str(query)))
        return await execute(self, query, *arguments, **options)

    monkeypatch.setattr(AsyncConnection, "execute", note)
    return seen


async def ask_all(secrets: Sequence[str]) -> list[Code]:
    questions = [Question(digest_of(secret), request_id="r") for secret in secrets]
    return [verdict.code for verdict in await DecisionRepository().decide(questions, decide)]


async def test_a_batch_of_many_keys_takes_three_statements(database: None, executed: list[str]):
    owner = await make(make_user)
    keys = [await make(make_key, owner) for _ in range(20)]
    assert await ask_all([key.secret for key in keys] * 3) == [Code.VALID] * 60
    assert executed == ["BEGIN", "load and lock", "record_usage", "touch", "COMMIT"]
    assert len(await rows(UsageEvent.objects.all())) == 60


async def test_a_batch_that_touched_lately_takes_two_and_a_refused_one_takes_one(database: None, executed: list[str]):
    key, refused = await make(make_key), await make(make_key, is_active=False)
    await ask_all([key.secret])
    executed.clear()
    assert await ask_all([key.secret, refused.secret]) == [Code.VALID, Code.DISABLED]
    assert executed == ["BEGIN", "load and lock", "record_usage", "COMMIT"]
    executed.clear()
    assert await ask_all([refused.secret]) == [Code.DISABLED]
    assert executed == ["BEGIN", "load and lock", "COMMIT"]
    assert len(await rows(UsageEvent.objects.all())) == 2


async def test_a_caller_s_own_key_is_judged_without_a_lock_or_usage(database: None, executed: list[str]):
    key = await make(make_key)
    for statements in (["load", "touch"], ["load"]):
        verdicts = await DecisionRepository().judge([Question(digest_of(key.secret))], decide)
        assert [verdict.code for verdict in verdicts] == [Code.VALID]
        assert executed == statements
        executed.clear()
    assert await rows(UsageEvent.objects.all()) == []


async def test_nothing_is_written_when_deciding_fails(database: None):
    key = await make(make_key)

    def broken(*_: Any) -> Any:
        raise LookupError("no verdict")

    with pytest.raises(LookupError):
        await DecisionRepository().decide([Question(digest_of(key.secret))], broken)
    assert await rows(UsageEvent.objects.all()) == []
    assert await ask_all([key.secret]) == [Code.VALID]


async def test_the_load_locks_in_order_of_id_whatever_the_order_of_the_questions(database: None):
    keys = [await make(make_key) for _ in range(5)]
    digests = [digest_of(key.secret) for key in reversed(keys)]
    async with connection() as borrowed, borrowed.transaction():
        found = await (await borrowed.execute(LOAD_AND_LOCK, [digests])).fetchall()
        plan = await (await borrowed.execute("EXPLAIN " + LOAD_AND_LOCK, [digests])).fetchall()
    assert [row[2] for row in found] == sorted(key.id for key in keys)
    # The lock is taken above what sorts (a Sort, or an index in order of id), so in its order.
    assert plan[0][0].startswith("LockRows")
    assert LOAD_AND_LOCK.rstrip().endswith("ORDER BY key.id\nFOR NO KEY UPDATE OF key")


async def test_the_load_is_served_by_indexes(database: None):
    owner = await make(make_user)
    secrets = await make(_make_many_keys, owner)
    async with connection() as borrowed:
        for table in ("api_keys", "api_key_secrets", "users"):
            await borrowed.execute(f"ANALYZE {table}".encode())
        async with borrowed.transaction():
            found = await borrowed.execute("EXPLAIN " + LOAD_AND_LOCK, [secrets[:10]])
            plan = "\n".join(line for (line,) in await found.fetchall())
    assert "Seq Scan on api_key_secrets" not in plan
    assert "Seq Scan on api_keys" not in plan
    assert "api_key_secrets_digest" in plan
    assert "api_keys_pkey" in plan


def _make_many_keys(owner: User) -> list[bytes]:
    numbers = range(KEYS_IN_A_LARGE_TABLE)
    keys = ApiKey.objects.bulk_create([ApiKey(user=owner, name=f"key {number}") for number in numbers])
    secrets = [ApiKeySecret(api_key=key, digest=digest_of(key.name), prefix="sk_live_0000") for key in keys]
    ApiKeySecret.objects.bulk_create(secrets)
    return [digest_of(key.name) for key in keys]
