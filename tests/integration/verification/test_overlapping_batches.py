"""Overlapping batches of one worker while records change: in whatever order results arrive, no old record is kept."""

import asyncio
from typing import Any

import pytest
from django.db import connections

from apps.core.database.pipeline.pipelined_transaction import PipelinedTransaction
from apps.core.database.pool import close_pools, connection
from apps.verification.domain import Code, Verdict
from apps.verification.repositories.decision_repository import RECORDS, DecisionRepository
from apps.verification.repositories.record_changes import CHECK
from tests.integration.verification.verifying import decide_on
from tests.support.factories import IssuedKey, make_key
from tests.support.orm import make, until_a_lock_is_awaited
from tests.unit.verification.records import query_about

SECONDS_MAXIMUM = 5
REVOKE = "UPDATE api_keys SET revoked_at = now(), revoked_reason = 'test' WHERE id = %s"
RENAME = "UPDATE api_keys SET name = name || '2' WHERE id = %s"
BALANCE = "SELECT 1 FROM credit_balances WHERE user_id = %s FOR NO KEY UPDATE"
CHANGE_ALL = "UPDATE plans SET name = name || '2'"


async def execute(sql: str, *values: Any) -> None:
    async with connection() as borrowed:
        await borrowed.execute(sql.encode(), values)


class Batches:
    """Batches of one worker. The results of a round trip can be held back, as by a slow network."""

    def __init__(self) -> None:
        self._repository = DecisionRepository()
        self._held: dict[str, tuple[list[str], asyncio.Event, asyncio.Event]] = {}

    async def code(self, key: IssuedKey) -> Code:
        (verdict,) = await self._decide(key)
        return verdict.code

    async def begin(self, key: IssuedKey, name: str, *held: str) -> "asyncio.Task[list[Verdict]]":
        """Begin a batch, and return when the results of the last of these statements have arrived, which it gets at
        `end`.
        """
        self._held[name] = list(held), asyncio.Event(), asyncio.Event()
        batch = asyncio.create_task(self._decide(key), name=name)
        await asyncio.wait_for(self._held[name][1].wait(), SECONDS_MAXIMUM)
        return batch

    async def end(self, batch: "asyncio.Task[list[Verdict]]") -> Code:
        """Let the batch go on, and return its verdict."""
        self._held.pop(batch.get_name())[2].set()
        (verdict,) = await asyncio.wait_for(batch, SECONDS_MAXIMUM)
        return verdict.code

    async def hold(self, statements: tuple[Any, ...]) -> None:
        """Hold the current batch back if these are the statements to wait after."""
        task = asyncio.current_task()
        held = self._held.get(task.get_name()) if task else None
        if held and held[0] and any(sql == held[0][0] for sql, _ in statements):
            held[0].pop(0)
            if not held[0]:
                held[1].set()
                await held[2].wait()

    async def _decide(self, key: IssuedKey) -> list[Verdict]:
        return await decide_on([query_about(key.secret)], self._repository)


@pytest.fixture
def batches(database: None, monkeypatch: pytest.MonkeyPatch) -> Batches:
    """Batches of a worker that has cached nothing."""
    found, fetch = Batches(), PipelinedTransaction.fetch

    async def held_fetch(self: PipelinedTransaction, *statements: Any) -> Any:
        rows = await fetch(self, *statements)
        await found.hold(statements)
        return rows

    monkeypatch.setattr(PipelinedTransaction, "fetch", held_fetch)
    return found


@pytest.mark.parametrize("change", [REVOKE, CHANGE_ALL + "; " + REVOKE])
async def test_a_late_batch_does_not_hide_a_change_from_one_that_began_in_between(batches: Batches, change: str):
    key, first, second = await make(make_key), await make(make_key), await make(make_key)
    assert [await batches.code(each) for each in (first, second)] == [Code.VALID] * 2
    loads = await batches.begin(key, "loads", CHECK.sql)  # has loaded the record, and checked it
    for statement in change.split("; "):
        await execute(statement, *([key.id] if "%s" in statement else []))
    assert await batches.code(first) is Code.VALID  # sees the change, and nothing of the key to forget
    begun_after = await batches.begin(second, "begun after", CHECK.sql)  # its check begins where this one ended
    assert await batches.end(loads) is Code.VALID  # decided before the change
    assert await batches.end(begun_after) is Code.VALID
    assert await batches.code(key) is Code.DISABLED


async def test_first_batches_beside_each_other_hide_no_change(batches: Batches):
    key, first, second = await make(make_key), await make(make_key), await make(make_key)
    loads = await batches.begin(key, "loads", CHECK.sql, RECORDS.sql, CHECK.sql)
    await execute(REVOKE, key.id)
    also_first = await batches.begin(first, "also first", CHECK.sql)
    assert await batches.end(also_first) is Code.VALID
    begun_after = await batches.begin(second, "begun after", CHECK.sql)
    assert await batches.end(loads) is Code.VALID
    assert await batches.end(begun_after) is Code.VALID
    assert await batches.code(key) is Code.DISABLED


async def test_a_record_that_is_loaded_again_is_not_kept_when_it_changes_meanwhile(batches: Batches):
    key, first, second = await make(make_key), await make(make_key), await make(make_key)
    assert [await batches.code(each) for each in (key, first, second)] == [Code.VALID] * 3
    await execute(RENAME, key.id)
    renews = await batches.begin(key, "renews", RECORDS.sql)  # has loaded the renamed one
    await execute(REVOKE, key.id)
    assert await batches.code(first) is Code.VALID
    begun_after = await batches.begin(second, "begun after", CHECK.sql)
    assert await batches.end(renews) is Code.VALID
    assert await batches.end(begun_after) is Code.VALID
    assert await batches.code(key) is Code.DISABLED


async def test_records_of_batches_beside_each_other_are_kept_while_nothing_changes(batches: Batches):
    key, other = await make(make_key), await make(make_key)
    assert await batches.code(other) is Code.VALID
    loads = await batches.begin(key, "loads", CHECK.sql)
    assert await batches.code(other) is Code.VALID
    assert await batches.end(loads) is Code.VALID
    (memory,) = batches._repository._memories.values()
    assert len(memory.records) == 2


async def test_another_default_isolation_level_makes_nothing_stale(batches: Batches, monkeypatch: pytest.MonkeyPatch):
    # With it, a batch would read everything as it was before it waited for its locks.
    options = "-c default_transaction_isolation=repeatable\\ read"
    monkeypatch.setitem(connections["default"].settings_dict["OPTIONS"], "options", options)
    key: IssuedKey = await make(make_key)
    await close_pools()
    assert await batches.code(key) is Code.VALID
    async with connection() as borrowed, borrowed.transaction():
        await borrowed.execute(BALANCE, [key.row.user_id])
        waiting = asyncio.create_task(batches.code(key))
        await until_a_lock_is_awaited()
        await execute(REVOKE, key.id)
    assert await waiting is Code.DISABLED
