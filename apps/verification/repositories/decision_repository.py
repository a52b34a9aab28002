"""Reads and writes what a batch of verifications needs, in one transaction.

The one repository that works across rooms: it reads keys, owners, plans and balances and writes counters, ledger and
usage, because a verdict is exact only if all of it is decided on rows locked together. Its SQL stands in
`decision.sql`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.errors import LockNotAvailable

from apps.core.authorization.scopes import RESERVED_GRANTS
from apps.core.database.array_literals import array_of_bytes, array_of_numbers, array_of_texts
from apps.core.database.pipeline.pipelined_connection import Rows
from apps.core.database.pipeline.pipelined_transaction import STALE, PipelinedTransaction, pipelined_transaction
from apps.core.database.pipeline.shared_reads import read_rows
from apps.core.database.placeholders import NumberedStatement
from apps.core.database.sql_files import load_statements
from apps.verification.domain import BatchEffects, BatchSnapshot, KeyRecord, VerificationQuery

SQL = load_statements(Path(__file__).with_name("decision.sql"))
# A constant, for it is the catalogue's and the same for every batch; scopes hold nothing that SQL would have to quote.
RECORDS = SQL["records"].replace("%(reserved)s", f"'{array_of_texts(sorted(RESERVED_GRANTS))}'::varchar[]")


def _loading(*, lock: str) -> NumberedStatement:
    # A caller's key is read without a lock, because half the batch may share it.
    return NumberedStatement.of(f"""
        WITH plan_rate_limits AS MATERIALIZED ({SQL["plan_rate_limits"]}),
        asked AS MATERIALIZED ({RECORDS} {lock}),
        caller AS MATERIALIZED ({RECORDS.replace("%(digests)s", "%(callers)s")})
        SELECT *, false, date_part('epoch', statement_timestamp()) FROM asked
        UNION ALL
        SELECT *, true, date_part('epoch', statement_timestamp()) FROM caller
    """)  # noqa: S608  our own statements


LOAD, LOAD_AND_LOCK = _loading(lock=""), _loading(lock=SQL["lock"])
LOAD_AND_LOCK_FREE = _loading(lock=f"{SQL['lock']} {SQL['pass_over']}")
LOAD_FIRST_ANSWERS = NumberedStatement.of(SQL["load_first_answers"])
SPEND = NumberedStatement.of(SQL["spend"])
COUNT_DENIALS = NumberedStatement.of(SQL["count_denials"])
KEEP_FIRST_ANSWERS = NumberedStatement.of(SQL["keep_first_answers"])
TOUCH = NumberedStatement.of(SQL["touch"])
# `last_used_at` of who asks is kept to the minute: a busy key's row is not written at every call.
LAST_USED_PRECISION = timedelta(minutes=1)
# The places of what follows a KeyRecord's columns.
NO_ROWS: Rows = []
IS_CALLER, NOW = len(KeyRecord._fields), len(KeyRecord._fields) + 1

# Decides the questions on what is known of them, and says what is to be written.
type Decide[A] = Callable[[BatchSnapshot], tuple[A, BatchEffects]]


class DecisionRepository:
    """Runs batches of verifications against the database. The database's clock is the decision's."""

    async def decide[A](self, questions: Sequence[VerificationQuery], decide: Decide[A]) -> A:
        """Load and lock what the questions depend on, decide, write what was used, commit, and return the answers.

        Two round trips: one loads, one writes and commits. What somebody holds for longer than the lock timeout is
        known to be busy, and the rest is decided without it.
        """
        try:
            return await self._decide(LOAD_AND_LOCK, questions, decide)
        except LockNotAvailable:
            return await self._decide(LOAD_AND_LOCK_FREE, questions, decide)
        except STALE:  # a migration has changed a table; nothing is written, and the next try prepares anew
            return await self._decide(LOAD_AND_LOCK, questions, decide)

    async def _decide[A](self, load: NumberedStatement, questions: Sequence[VerificationQuery], decide: Decide[A]) -> A:
        async with pipelined_transaction() as transaction:
            known = await _load(transaction, load, questions)
            answers, consequences = decide(known)
            _write(transaction, consequences, known.now)
        return answers

    async def judge[A](self, questions: Sequence[VerificationQuery], decide: Decide[A]) -> A:
        """Load what the questions depend on, decide, and return the answers.

        Nothing is used, so nothing is locked, and there is no commit to wait for.
        """
        known = _known(await read_rows(*LOAD.bind(_digests(questions))))
        answers, consequences = decide(known)
        stale = _stale(consequences, known.now)
        if stale:
            await read_rows(*TOUCH.bind(stale))
        return answers


async def _load(
    transaction: PipelinedTransaction, load: NumberedStatement, questions: Sequence[VerificationQuery]
) -> BatchSnapshot:
    statements = [load.bind(_digests(questions))]
    repeatable = [question for question in questions if question.is_repeatable]
    if repeatable:
        # Begins when the locks are held, so it sees what the batch before has answered.
        statements.append(LOAD_FIRST_ANSWERS.bind(_names(repeatable)))
    known = _known(*await transaction.fetch(*statements))
    if load is not LOAD_AND_LOCK_FREE:
        return known
    (rows,) = await transaction.fetch(LOAD.bind(_digests(questions)))
    everything = _known(rows)
    return known._replace(now=everything.now, busy=everything.records.keys() - known.records.keys())


def _known(rows: Rows, answers: Rows = NO_ROWS) -> BatchSnapshot:
    return BatchSnapshot(
        now=datetime.fromtimestamp(rows[0][NOW], UTC) if rows else datetime.now(UTC),
        records={row[0]: KeyRecord.of(row[:IS_CALLER]) for row in rows if not row[IS_CALLER]},
        callers={row[0]: KeyRecord.of(row[:IS_CALLER]) for row in rows if row[IS_CALLER]},
        first_answers={(key_id, request_id): answer for key_id, request_id, answer in answers},
    )


def _digests(questions: Sequence[VerificationQuery]) -> dict[str, str]:
    return {
        "digests": array_of_bytes({question.digest for question in questions}),
        "callers": array_of_bytes({question.caller.digest for question in questions if question.caller}),
    }


def _names(questions: Sequence[VerificationQuery]) -> dict[str, str]:
    return {
        "digests": array_of_bytes([question.digest for question in questions]),
        "request_ids": array_of_texts([question.request_id for question in questions]),
    }


def _write(transaction: PipelinedTransaction, consequences: BatchEffects, now: datetime) -> None:
    if consequences.spendings:
        transaction.send(*SPEND.bind({"now": now, **_spending(consequences)}))
    if consequences.denials:
        transaction.send(*COUNT_DENIALS.bind({"now": now, **_denials(consequences)}))
    if consequences.first_answers:
        transaction.send(*KEEP_FIRST_ANSWERS.bind({"now": now, **_answers(consequences)}))
    stale = _stale(consequences, now)
    if stale:
        transaction.send(*TOUCH.bind(stale))


def _spending(consequences: BatchEffects) -> dict[str, str]:
    calls, spendings, debits = consequences.calls, consequences.spendings, consequences.debits
    return {
        "key_ids": array_of_numbers([spending.key_id for spending in spendings]),
        "logs": array_of_texts([spending.logs for spending in spendings]),
        "budgets_spent": array_of_numbers([spending.budget_spent for spending in spendings]),
        "debited_ids": array_of_numbers(debits),
        "debits": array_of_numbers(debits.values()),
        "user_ids": array_of_numbers([record.user_id for _, record in calls]),
        "api_key_ids": array_of_numbers([record.key_id for _, record in calls]),
        "costs": array_of_numbers([question.cost for question, _ in calls]),
        "weights": array_of_numbers([question.weight for question, _ in calls]),
        "tags": array_of_texts([question.tag for question, _ in calls]),
        "request_ids": array_of_texts([question.request_id for question, _ in calls]),
    }


def _denials(consequences: BatchEffects) -> dict[str, str]:
    denials = consequences.denials
    return {
        "key_ids": array_of_numbers([key_id for key_id, _ in denials]),
        "codes": array_of_texts([code for _, code in denials]),
        "counts": array_of_numbers(denials.values()),
    }


def _answers(consequences: BatchEffects) -> dict[str, str]:
    answers = consequences.first_answers
    return {
        "key_ids": array_of_numbers([key_id for key_id, _ in answers]),
        "request_ids": array_of_texts([request_id for _, request_id in answers]),
        "answers": array_of_texts(answers.values()),
    }


def _stale(consequences: BatchEffects, now: datetime) -> dict[str, Any] | None:
    """Return what is to be touched, or None."""
    key_ids = [key_id for key_id, asker in consequences.askers.items() if _is_stale(asker.last_used_at, now)]
    return {"now": now, "key_ids": array_of_numbers(key_ids)} if key_ids else None


def _is_stale(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at >= LAST_USED_PRECISION
