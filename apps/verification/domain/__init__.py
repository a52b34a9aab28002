"""The values of a decision: verification queries, batch snapshots, verdicts and batch effects. None is a table."""

from apps.verification.domain.batch import BatchEffects, BatchSnapshot, CounterUpdate, IdempotencyKey
from apps.verification.domain.key_record import KeyRecord
from apps.verification.domain.verdict import Caller, Code, Verdict, VerificationQuery

__all__ = [
    "BatchEffects",
    "BatchSnapshot",
    "Caller",
    "Code",
    "CounterUpdate",
    "IdempotencyKey",
    "KeyRecord",
    "Verdict",
    "VerificationQuery",
]
