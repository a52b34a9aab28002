"""The values of the decision: queries, what the database knew, and what comes of them. None is a table."""

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
