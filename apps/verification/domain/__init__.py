"""The values of a decision: verification queries, batch snapshots, verdicts and batch effects. None is a table."""

from apps.verification.domain.batch import (
    BatchEffects,
    BatchSnapshot,
    CounterUpdate,
    IdempotencyKey,
    IdempotencyRecord,
    KeyCounters,
    caller_name_in,
    caller_name_of_key,
    caller_name_of_user,
    idempotency_key_of,
)
from apps.verification.domain.key_record import KeyRecord, KeyRow
from apps.verification.domain.query import Caller, Purpose, VerificationQuery
from apps.verification.domain.verdict import Code, Detail, Verdict

__all__ = [
    "BatchEffects",
    "BatchSnapshot",
    "Caller",
    "Code",
    "CounterUpdate",
    "Detail",
    "IdempotencyKey",
    "IdempotencyRecord",
    "KeyCounters",
    "KeyRecord",
    "KeyRow",
    "Purpose",
    "Verdict",
    "VerificationQuery",
    "caller_name_in",
    "caller_name_of_key",
    "caller_name_of_user",
    "idempotency_key_of",
]
