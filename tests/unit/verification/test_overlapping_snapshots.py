"""Overlapping batches of one worker on a model of the database: no snapshot has a record older than its check."""

import asyncio
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.database.parameters import Encoded
from apps.verification.domain import VerificationQuery
from apps.verification.repositories.decision_repository import RECORDS, UNLOCKED, _snapshot
from apps.verification.repositories.record_cache import RecordCache
from apps.verification.repositories.record_changes import CHECK, RecordChanges
from tests.unit.verification.records import NOW, stored_key

if TYPE_CHECKING:
    from apps.core.database.pipeline.pipelined_transaction import PipelinedTransaction

pytestmark = pytest.mark.unit

KEYS, WORKERS, BATCHES, CHANGES = range(1, 6), 4, 12, 40
DELAY_MAXIMUM = 6  # turns of the event loop


def digest_of(key_id: int) -> bytes:
    return bytes([key_id])


class Database:
    """Keys whose names are counted up. Each statement sees what has been committed when it runs."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.names = dict.fromkeys(KEYS, 0)
        self.changed: list[int | None] = []  # None: everything

    async def delay(self) -> None:
        for _ in range(self._chance.randint(0, DELAY_MAXIMUM)):
            await asyncio.sleep(0)

    async def change(self) -> None:
        for _ in range(CHANGES):
            await self.delay()
            key_id = self._chance.choice(KEYS)
            self.names[key_id] += 1
            self.changed.append(None if self._chance.random() < 0.1 else key_id)

    def records(self, digests: bytes) -> list[Sequence[Any]]:
        # PostgreSQL's binary format of an array: a head of twenty bytes, then each with its length.
        found = digests[20 + 4 :: 4 + 1]
        return [
            stored_key(digest=digest_of(each), key_id=each, user_id=each, name=str(self.names[each])).row
            for each in found
        ]

    def check(self, snapshot: bytes | None) -> RecordChanges:
        missed = self.changed[int(snapshot) :] if snapshot else [None]
        key_ids = [each for each in missed if each is not None]
        return RecordChanges(str(len(self.changed)), "here", NOW, None not in missed, key_ids or None, None)


class Transaction:
    """A transaction whose statements and results take any time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.names_at_check: dict[int, int] = {}

    async def fetch(self, *statements: tuple[str, Encoded]) -> list[Any]:
        results = [await self._run(*statement) for statement in statements]
        await self._database.delay()
        return results

    async def _run(self, sql: str, parameters: Encoded) -> list[Any]:
        await self._database.delay()
        if sql == RECORDS.sql:
            return self._database.records(parameters.values[0] or b"")
        if sql == CHECK.sql:
            self.names_at_check = dict(self._database.names)
            return [self._database.check(parameters.values[CHECK.names.index("snapshot")])]
        return []


async def _verify(database: Database, cache: RecordCache, chance: random.Random) -> None:
    for _ in range(BATCHES):
        await database.delay()
        queries = [VerificationQuery(digest=digest_of(each)) for each in chance.sample(KEYS, chance.randint(1, 3))]
        transaction = Transaction(database)
        snapshot = await _snapshot(cast("PipelinedTransaction", transaction), cache, queries, UNLOCKED)
        assert len(snapshot.records) == len(queries)
        for record in snapshot.records.values():
            assert int(record.name.split(b'"')[-2]) >= transaction.names_at_check[record.key_id]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_no_snapshot_has_a_record_that_was_older_at_its_check(seed: int):
    chance = random.Random(seed)
    database, cache = Database(chance), RecordCache()

    async def run() -> None:
        workers = [_verify(database, cache, chance) for _ in range(WORKERS)]
        await asyncio.gather(database.change(), *workers)

    asyncio.run(run())
