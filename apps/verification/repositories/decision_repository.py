"""Reads and writes the rows of a batch of verifications, in one transaction.

The only repository that works across apps. It reads keys, owners, plans and balances and writes counters, the ledger
and usage, because a verdict is exact only if all of these rows are locked together. Its SQL is in `decision.sql`.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

from psycopg.errors import LockNotAvailable

from apps.core.authorization.scopes import RESERVED_GRANTS
from apps.core.database.parameters import Encoded, NumberedStatement, array_of_texts, binary_bigints, binary_byteas
from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.pipelined_transaction import (
    BEING_CHANGED,
    STALE,
    PipelinedTransaction,
    pipelined_transaction,
)
from apps.core.database.statements import load_statements
from apps.core.errors import Unavailable
from apps.verification.domain import (
    BatchEffects,
    BatchSnapshot,
    IdempotencyKey,
    IdempotencyRecord,
    KeyCounters,
    KeyRecord,
    VerificationQuery,
    idempotency_key_of,
)
from apps.verification.repositories.batch_writer import write_effects
from apps.verification.repositories.record_cache import Position, RecordCache
from apps.verification.repositories.record_changes import CHECK, RecordChanges

SQL = load_statements(Path(__file__).with_name("decision.sql"))
# A constant from the scope catalogue; scopes contain no characters that must be quoted in SQL.
RECORDS = NumberedStatement.of(
    SQL["records"].replace("%(reserved)s", f"'{array_of_texts(sorted(RESERVED_GRANTS))}'::varchar[]")
)
LOAD_IDEMPOTENCY_RECORDS = NumberedStatement.of(SQL["load_idempotency_records"])
USE_SECONDS = 5  # a divisor of sixty
NO_DIGEST = {b""}  # of a malformed key


class Reading(NamedTuple):
    """How a batch reads balances and counters."""

    balances: NumberedStatement
    counters: NumberedStatement

    @classmethod
    def of(cls, lock_of_balances: str = "", lock_of_counters: str = "") -> Self:
        """Return the statements with these locks."""
        return cls(
            NumberedStatement.of(f"{SQL['balances']} {lock_of_balances}"),
            NumberedStatement.of(f"{SQL['counters']} {lock_of_counters}"),
        )


UNLOCKED = Reading.of()
LOCKED = Reading.of(SQL["lock_balances"])
# After a lock timeout. A counter that is locked without its balance belongs to a transaction that is not Keyhouse's.
SKIPPING = Reading.of(*(f"{SQL[lock]} {SQL['skip_locked']}" for lock in ("lock_balances", "lock_counters")))


class RowsLocked(Unavailable):
    """Another transaction has locked rows of the batch, or a table, for too long. Nothing was written."""

    message = "Verification waits for a lock of the database. Retry shortly."


class StatementsOutdated(Unavailable):
    """A migration has changed a table. Nothing was written, and a retry prepares the statements again."""

    message = BEING_CHANGED


class OpenBatch:
    """A batch in an open transaction, which is committed when the block of `DecisionRepository.open_batch` ends."""

    def __init__(self, transaction: PipelinedTransaction, snapshot: BatchSnapshot, memory: "_Memory") -> None:
        self.snapshot = snapshot
        self.written_uses: set[int] = set()
        self._transaction = transaction
        self._memory = memory

    def write(self, effects: BatchEffects) -> None:
        """Write the effects, in the round trip that commits."""
        now = self.snapshot.now
        self.written_uses = self._memory.unwritten(effects.used_credentials, now)
        write_effects(self._transaction, effects, now, self.written_uses)


class _Memory:
    """What the batches of one event loop leave to later ones: records, and which uses of credentials are written.

    `last_used_at` of a credential is exact to USE_SECONDS, so that not each batch writes the row of a busy caller.
    """

    def __init__(self) -> None:
        self.records = RecordCache()
        self._period: datetime | None = None
        self._written: set[int] = set()

    def unwritten(self, key_ids: set[int], now: datetime) -> set[int]:
        """Return those of the keys whose use has not been written in this period."""
        return key_ids if _period_of(now) != self._period else key_ids - self._written

    def note_written(self, key_ids: set[int], now: datetime) -> None:
        """Remember that the use of these keys is committed."""
        if _period_of(now) != self._period:
            self._period, self._written = _period_of(now), set()
        self._written |= key_ids


def _period_of(moment: datetime) -> datetime:
    return moment.replace(second=moment.second // USE_SECONDS * USE_SECONDS, microsecond=0)


class DecisionRepository:
    """The rows that batches of verifications are decided on, by the database's clock."""

    def __init__(self) -> None:
        self._memories: WeakKeyDictionary[asyncio.AbstractEventLoop, _Memory] = WeakKeyDictionary()
        self._last: tuple[asyncio.AbstractEventLoop, _Memory] | None = None  # a server has one event loop

    @asynccontextmanager
    async def open_batch(
        self, queries: Sequence[VerificationQuery], *, skip_locked: bool = False
    ) -> AsyncIterator[OpenBatch]:
        """Take the snapshot of a batch in a transaction, which is committed at the end of the block.

        If one of the queries uses counters, the balances of all customers of the batch are locked, and so the counters
        of their keys. With `skip_locked`, keys whose rows another transaction has locked are `busy` in the snapshot.
        Raises RowsLocked otherwise, and StatementsOutdated.

        Two round trips: one locks and reads, one writes and commits. One more loads the records of keys that are not
        cached, and one those that have changed since.
        """
        reading = UNLOCKED
        if any(query.uses_counters for query in queries):
            reading = SKIPPING if skip_locked else LOCKED
        memory = self._memory()
        try:
            async with pipelined_transaction() as transaction:
                opened = OpenBatch(transaction, await _snapshot(transaction, memory.records, queries, reading), memory)
                yield opened
            memory.note_written(opened.written_uses, opened.snapshot.now)
        except LockNotAvailable as error:
            raise RowsLocked from error
        except STALE as error:
            raise StatementsOutdated from error

    def customer_of(self, digest: bytes) -> int | None:
        """Return the owner of the key with this digest, or None if its record is not cached."""
        return self._memory().records.customer_of(digest)

    def is_unlimited(self, digest: bytes) -> bool:
        """Return whether the record of this key is cached, and had no rate limits when it was loaded."""
        return self._memory().records.is_unlimited(digest)

    def _memory(self) -> _Memory:
        loop = asyncio.get_running_loop()
        if self._last is None or self._last[0] is not loop:
            self._last = loop, self._memories.setdefault(loop, _Memory())
        return self._last[1]


@dataclass(slots=True)
class _Records:
    """The records of a batch, those among them that it has loaded, and the state of the cache before that."""

    found: dict[bytes, KeyRecord]
    loaded: dict[bytes, KeyRecord]
    position: Position
    revision: int


async def _snapshot(
    transaction: PipelinedTransaction, cache: RecordCache, queries: Sequence[VerificationQuery], reading: Reading
) -> BatchSnapshot:
    """Return the snapshot. Its records are those at the moment of the check, which follows the locks."""
    records = await _find(transaction, cache, queries)
    user_ids, key_ids = _customers_and_keys(queries, records.found)
    balances, counters, checked, *stored = await transaction.fetch(
        reading.balances.encode({"user_ids": binary_bigints(sorted(user_ids))}),
        reading.counters.encode({"key_ids": binary_bigints(list(key_ids))}),
        _check(records.position),
        *_idempotency_lookups(queries, records.found),
    )
    changes = RecordChanges._make(checked[0])
    snapshot = BatchSnapshot(
        now=changes.now,
        records=await _renewed(transaction, cache, records, changes),
        counters={key_id: KeyCounters._make(columns) for key_id, *columns in counters},
        balances=dict(balances),
        idempotency_records=_idempotency_records(stored[0]) if stored else {},
    )
    if reading is SKIPPING:
        snapshot.busy = _busy(queries, snapshot)
    return snapshot


async def _find(
    transaction: PipelinedTransaction, cache: RecordCache, queries: Sequence[VerificationQuery]
) -> _Records:
    """Return the records that are cached, and load the others."""
    if cache.position.snapshot is None:  # first, so that the next check finds what changes while records are loaded
        ((checked,),) = await transaction.fetch(_check(cache.position))
        cache.apply(RecordChanges._make(checked))
    digests = {query.digest for query in queries} | {query.caller.digest for query in queries if query.caller}
    position, revision, found = cache.position, cache.revision, cache.find(digests)
    missing = digests - found.keys() - NO_DIGEST
    loaded = await _load(transaction, missing) if missing else {}
    return _Records(found | loaded, loaded, position, revision)


async def _renewed(
    transaction: PipelinedTransaction, cache: RecordCache, records: _Records, changes: RecordChanges
) -> dict[bytes, KeyRecord]:
    """Return the records as they are now: those that have changed are loaded again. The cache gets all of them."""
    cache.add(records.loaded.values(), records.revision)
    cache.apply(changes)
    changed = {digest for digest, record in records.found.items() if _has_changed(record, changes)}
    if not changed:
        return records.found
    revision = cache.revision
    renewed = await _load(transaction, changed)
    cache.add(renewed.values(), revision)
    return {digest: record for digest, record in records.found.items() if digest not in changed} | renewed


def _has_changed(record: KeyRecord, changes: RecordChanges) -> bool:
    return (
        not changes.is_continuous
        or record.key_id in (changes.key_ids or ())
        or record.user_id in (changes.user_ids or ())
    )


async def _load(transaction: PipelinedTransaction, digests: Collection[bytes]) -> dict[bytes, KeyRecord]:
    (rows,) = await transaction.fetch(RECORDS.encode({"digests": binary_byteas(list(digests))}))
    return {record.digest: record for record in map(KeyRecord.of, rows)}


def _check(position: Position) -> tuple[str, Encoded]:
    return CHECK.encode({"snapshot": position.snapshot, "identity": position.identity})


def _customers_and_keys(
    queries: Sequence[VerificationQuery], records: Mapping[bytes, KeyRecord]
) -> tuple[set[int], set[int]]:
    found = [record for query in queries if (record := records.get(query.digest)) is not None]
    return {record.user_id for record in found}, {record.key_id for record in found}


def _busy(queries: Sequence[VerificationQuery], snapshot: BatchSnapshot) -> set[int]:
    """Return the keys whose balance or counters were skipped."""
    found = (snapshot.records[query.digest] for query in queries if query.digest in snapshot.records)
    return {
        record.key_id
        for record in found
        if record.user_id not in snapshot.balances or record.key_id not in snapshot.counters
    }


def _idempotency_lookups(
    queries: Sequence[VerificationQuery], records: Mapping[bytes, KeyRecord]
) -> list[tuple[str, Encoded]]:
    """Return the statement that finds the idempotency records of the batch, if it has any idempotency key."""
    names = {name for query in queries if query.is_idempotent and (name := idempotency_key_of(query, records))}
    if not names:
        return []
    callers, key_ids, request_ids = zip(*names, strict=True)
    values: Mapping[str, str | bytes] = {
        "callers": array_of_texts(callers),
        "key_ids": binary_bigints(key_ids),
        "request_ids": array_of_texts(request_ids),
    }
    return [LOAD_IDEMPOTENCY_RECORDS.encode(values)]


def _idempotency_records(rows: Rows) -> dict[IdempotencyKey, IdempotencyRecord]:
    return {
        IdempotencyKey(caller, key_id, request_id): IdempotencyRecord(fingerprint, decided_at, response.encode())
        for caller, key_id, request_id, fingerprint, decided_at, response in rows
    }
