"""Writes the effects of a batch of verifications."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from apps.core.database.parameters import (
    NumberedStatement,
    array_of_numbers,
    array_of_texts,
    binary_bigints,
    binary_byteas,
)
from apps.core.database.pipeline.pipelined_transaction import PipelinedTransaction
from apps.core.database.statements import load_statements
from apps.verification.domain import BatchEffects

SQL = load_statements(Path(__file__).with_name("decision.sql"))
WRITE_USAGE = NumberedStatement.of(SQL["write_usage"])
COUNT_DENIALS = NumberedStatement.of(SQL["count_denials"])
INSERT_IDEMPOTENCY_RECORDS = NumberedStatement.of(SQL["insert_idempotency_records"])
TOUCH = NumberedStatement.of(SQL["touch"])


def write_effects(
    transaction: PipelinedTransaction, effects: BatchEffects, now: datetime, used_credentials: Collection[int]
) -> None:
    """Queue the statements that write the effects, for the next round trip of the transaction.

    `used_credentials` are those of the effects whose use is to be written.
    """
    moment = {"now": str(now)}
    if effects.counter_updates:
        transaction.send(*WRITE_USAGE.encode(moment | _usage(effects)))
    if effects.denials:
        transaction.send(*COUNT_DENIALS.encode(moment | _denials(effects)))
    if effects.idempotency_records:
        transaction.send(*INSERT_IDEMPOTENCY_RECORDS.encode(moment | _idempotency_records(effects)))
    if used_credentials:
        transaction.send(*TOUCH.encode({**moment, "key_ids": binary_bigints(list(used_credentials))}))


type Values = dict[str, str | bytes | None]


def _usage(effects: BatchEffects) -> Values:
    calls, updates, debits = effects.calls, effects.counter_updates, effects.debits
    return {
        "key_ids": binary_bigints([update.key_id for update in updates]),
        "counters": binary_byteas([update.entries for update in updates]),
        "budgets_spent": array_of_numbers([update.budget_spent for update in updates]),
        "debited_ids": binary_bigints(list(debits)),
        "debits": array_of_numbers(debits.values()),
        "user_ids": binary_bigints([record.user_id for _, record in calls]),
        "api_key_ids": binary_bigints([record.key_id for _, record in calls]),
        "costs": array_of_numbers([query.cost for query, _ in calls]),
        "weights": array_of_numbers([query.weight for query, _ in calls]),
        "tags": array_of_texts([query.tag for query, _ in calls]) if any(query.tag for query, _ in calls) else None,
        "request_ids": array_of_texts([query.request_id for query, _ in calls]),
    }


def _denials(effects: BatchEffects) -> Values:
    denials = effects.denials
    return {
        "key_ids": binary_bigints([key_id for key_id, _, _ in denials]),
        "codes": array_of_texts([code for _, code, _ in denials]),
        "details": array_of_texts([detail for _, _, detail in denials]),
        "counts": binary_bigints(list(denials.values())),
    }


def _idempotency_records(effects: BatchEffects) -> Values:
    records = effects.idempotency_records
    return {
        "callers": array_of_texts([name.caller for name in records]),
        "key_ids": binary_bigints([name.key_id for name in records]),
        "request_ids": array_of_texts([name.request_id for name in records]),
        "fingerprints": binary_byteas([record.fingerprint for record in records.values()]),
        "answers": array_of_texts([record.response.decode() for record in records.values()]),
    }
