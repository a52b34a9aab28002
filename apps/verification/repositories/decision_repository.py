"""Reads and writes the rows of a batch of verifications, in one transaction.

The only repository that works across apps. It reads keys, owners, plans and balances and writes counters, the ledger
and usage, because a verdict is exact only if all of these rows are locked together. Its SQL is in
`decision.sql`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.errors import LockNotAvailable

from apps.core.authorization.scopes import RESERVED_GRANTS
from apps.core.database.parameters import NumberedStatement, array_of_bytes, array_of_numbers, array_of_texts
from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.pipelined_transaction import STALE, PipelinedTransaction, pipelined_transaction
from apps.core.database.pipeline.shared_reads import read_rows
from apps.core.database.statements import load_statements
from apps.verification.domain import BatchEffects, BatchSnapshot, KeyRecord, VerificationQuery

SQL = load_statements(Path(__file__).with_name("decision.sql"))
# A constant from the scope catalogue; scopes contain no characters that must be quoted in SQL.
RECORDS = SQL["records"].replace("%(reserved)s", f"'{array_of_texts(sorted(RESERVED_GRANTS))}'::varchar[]")


def _loading(*, lock: str) -> NumberedStatement:
    # Callers are read without a lock, because half the batch may share one.
    return NumberedStatement.of(f"""
        WITH plan_rate_limits AS MATERIALIZED ({SQL["plan_rate_limits"]}),
        queried AS MATERIALIZED ({RECORDS} {lock}),
        caller AS MATERIALIZED ({RECORDS.replace("%(digests)s", "%(callers)s")})
        SELECT *, false, date_part('epoch', statement_timestamp()) FROM queried
        UNION ALL
        SELECT *, true, date_part('epoch', statement_timestamp()) FROM caller
    """)  # noqa: S608  our own statements


LOAD, LOAD_AND_LOCK = _loading(lock=""), _loading(lock=SQL["lock"])
LOAD_AND_SKIP_LOCKED = _loading(lock=f"{SQL['lock']} {SQL['skip_locked']}")
LOAD_IDEMPOTENCY_RECORDS = NumberedStatement.of(SQL["load_idempotency_records"])
WRITE_USAGE = NumberedStatement.of(SQL["write_usage"])
COUNT_DENIALS = NumberedStatement.of(SQL["count_denials"])
INSERT_IDEMPOTENCY_RECORDS = NumberedStatement.of(SQL["insert_idempotency_records"])
TOUCH = NumberedStatement.of(SQL["touch"])
# `last_used_at` of callers is exact to the minute, so that the row of a busy caller is not written at each call.
LAST_USED_PRECISION = timedelta(minutes=1)
NO_ROWS: Rows = []
# The positions of the columns after those of a KeyRecord.
IS_CALLER, NOW = len(KeyRecord._fields), len(KeyRecord._fields) + 1


class RowsLocked(Exception):
    """Another transaction has locked rows of the batch for longer than the lock timeout. Nothing was written."""


class StatementsOutdated(Exception):
    """A migration has changed a table. Nothing was written, and a retry prepares the statements again."""


class LockedBatch:
    """The rows of a batch, locked in an open transaction until the block of `DecisionRepository.lock` ends."""

    def __init__(self, transaction: PipelinedTransaction, snapshot: BatchSnapshot) -> None:
        self.snapshot = snapshot
        self._transaction = transaction

    def write(self, effects: BatchEffects) -> None:
        """Write the effects, in the round trip that commits."""
        _write(self._transaction, effects, self.snapshot.now)


class DecisionRepository:
    """The rows that batches of verifications are decided on, by the database's clock."""

    @asynccontextmanager
    async def lock(self, queries: Sequence[VerificationQuery], *, skip_locked: bool) -> AsyncIterator[LockedBatch]:
        """Load and lock the rows of the queries in a transaction, which is committed at the end of the block.

        With `skip_locked`, keys whose rows another transaction has locked are `busy` in the snapshot. Raises RowsLocked
        otherwise, and StatementsOutdated. Two round trips: one loads, one writes and commits.
        """
        load = LOAD_AND_SKIP_LOCKED if skip_locked else LOAD_AND_LOCK
        try:
            async with pipelined_transaction() as transaction:
                yield LockedBatch(transaction, await _load(transaction, load, queries))
        except LockNotAvailable as error:
            raise RowsLocked from error
        except STALE as error:
            raise StatementsOutdated from error

    async def load(self, queries: Sequence[VerificationQuery]) -> BatchSnapshot:
        """Load the rows of the queries without locking them: rate limits and credits cannot be used."""
        return _snapshot(await read_rows(*LOAD.bind(_digests(queries))))

    async def touch_callers(self, effects: BatchEffects, now: datetime) -> None:
        """Update `last_used_at` of the callers of the batch, where it is a minute old."""
        stale = _stale(effects, now)
        if stale:
            await read_rows(*TOUCH.bind(stale))


async def _load(
    transaction: PipelinedTransaction, load: NumberedStatement, queries: Sequence[VerificationQuery]
) -> BatchSnapshot:
    statements = [load.bind(_digests(queries))]
    idempotent = [query for query in queries if query.is_idempotent]
    if idempotent:
        # Begins once the locks are held, so it sees the records of the previous batch.
        statements.append(LOAD_IDEMPOTENCY_RECORDS.bind(_idempotency_keys(idempotent)))
    snapshot = _snapshot(*await transaction.fetch(*statements))
    if load is not LOAD_AND_SKIP_LOCKED:
        return snapshot
    (rows,) = await transaction.fetch(LOAD.bind(_digests(queries)))
    complete = _snapshot(rows)
    return snapshot._replace(now=complete.now, busy=complete.records.keys() - snapshot.records.keys())


def _snapshot(rows: Rows, responses: Rows = NO_ROWS) -> BatchSnapshot:
    return BatchSnapshot(
        now=datetime.fromtimestamp(rows[0][NOW], UTC) if rows else datetime.now(UTC),
        records={row[0]: KeyRecord.of(row[:IS_CALLER]) for row in rows if not row[IS_CALLER]},
        callers={row[0]: KeyRecord.of(row[:IS_CALLER]) for row in rows if row[IS_CALLER]},
        idempotency_records={(key_id, request_id): response for key_id, request_id, response in responses},
    )


def _digests(queries: Sequence[VerificationQuery]) -> dict[str, str]:
    return {
        "digests": array_of_bytes({query.digest for query in queries}),
        "callers": array_of_bytes({query.caller.digest for query in queries if query.caller}),
    }


def _idempotency_keys(queries: Sequence[VerificationQuery]) -> dict[str, str]:
    return {
        "digests": array_of_bytes([query.digest for query in queries]),
        "request_ids": array_of_texts([query.request_id for query in queries]),
    }


def _write(transaction: PipelinedTransaction, effects: BatchEffects, now: datetime) -> None:
    if effects.counter_updates:
        transaction.send(*WRITE_USAGE.bind({"now": now, **_usage(effects)}))
    if effects.denials:
        transaction.send(*COUNT_DENIALS.bind({"now": now, **_denials(effects)}))
    if effects.idempotency_records:
        transaction.send(*INSERT_IDEMPOTENCY_RECORDS.bind({"now": now, **_idempotency_records(effects)}))
    stale = _stale(effects, now)
    if stale:
        transaction.send(*TOUCH.bind(stale))


def _usage(effects: BatchEffects) -> dict[str, str | None]:
    calls, updates, debits = effects.calls, effects.counter_updates, effects.debits
    return {
        "key_ids": array_of_numbers([update.key_id for update in updates]),
        "counters": array_of_texts([update.counters for update in updates]),
        "budgets_spent": array_of_numbers([update.budget_spent for update in updates]),
        "debited_ids": array_of_numbers(debits),
        "debits": array_of_numbers(debits.values()),
        "user_ids": array_of_numbers([record.user_id for _, record in calls]),
        "api_key_ids": array_of_numbers([record.key_id for _, record in calls]),
        "costs": array_of_numbers([query.cost for query, _ in calls]),
        "weights": array_of_numbers([query.weight for query, _ in calls]),
        "tags": array_of_texts([query.tag for query, _ in calls]) if any(query.tag for query, _ in calls) else None,
        "request_ids": array_of_texts([query.request_id for query, _ in calls]),
    }


def _denials(effects: BatchEffects) -> dict[str, str]:
    denials = effects.denials
    return {
        "key_ids": array_of_numbers([key_id for key_id, _ in denials]),
        "codes": array_of_texts([code for _, code in denials]),
        "details": array_of_texts([""] * len(denials)),
        "counts": array_of_numbers(denials.values()),
    }


def _idempotency_records(effects: BatchEffects) -> dict[str, str]:
    records = effects.idempotency_records
    return {
        "key_ids": array_of_numbers([key_id for key_id, _ in records]),
        "request_ids": array_of_texts([request_id for _, request_id in records]),
        "answers": array_of_texts(records.values()),
    }


def _stale(effects: BatchEffects, now: datetime) -> dict[str, Any] | None:
    """Return the parameters of TOUCH for the callers whose `last_used_at` is stale, or None."""
    key_ids = [key_id for key_id, caller in effects.used_callers.items() if _is_stale(caller.last_used_at, now)]
    return {"now": now, "key_ids": array_of_numbers(key_ids)} if key_ids else None


def _is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at >= LAST_USED_PRECISION
