"""Writes the effects of a batch of verifications."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from apps.core.database.parameters import NumberedStatement, array_of_bytes, array_of_numbers, array_of_texts
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
    if effects.counter_updates:
        transaction.send(*WRITE_USAGE.bind({"now": now, **_usage(effects)}))
    if effects.denials:
        transaction.send(*COUNT_DENIALS.bind({"now": now, **_denials(effects)}))
    if effects.idempotency_records:
        transaction.send(*INSERT_IDEMPOTENCY_RECORDS.bind({"now": now, **_idempotency_records(effects)}))
    if used_credentials:
        transaction.send(*TOUCH.bind({"now": now, "key_ids": array_of_numbers(used_credentials)}))


def _usage(effects: BatchEffects) -> dict[str, str | None]:
    calls, updates, debits = effects.calls, effects.counter_updates, effects.debits
    return {
        "key_ids": array_of_numbers([update.key_id for update in updates]),
        "counters": array_of_bytes([update.entries for update in updates]),
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
        "key_ids": array_of_numbers([key_id for key_id, _, _ in denials]),
        "codes": array_of_texts([code for _, code, _ in denials]),
        "details": array_of_texts([detail for _, _, detail in denials]),
        "counts": array_of_numbers(denials.values()),
    }


def _idempotency_records(effects: BatchEffects) -> dict[str, str]:
    records = effects.idempotency_records
    return {
        "callers": array_of_texts([name.caller for name in records]),
        "key_ids": array_of_numbers([name.key_id for name in records]),
        "request_ids": array_of_texts([name.request_id for name in records]),
        "fingerprints": array_of_bytes([record.fingerprint for record in records.values()]),
        "answers": array_of_texts([record.response.decode() for record in records.values()]),
    }
