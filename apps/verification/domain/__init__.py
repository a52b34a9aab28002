"""The values of the decision: what is asked, what the database knew, and what comes of it. None is a table."""

from apps.verification.domain.batch import BatchEffects, BatchSnapshot, KeySpending, RequestName
from apps.verification.domain.code import Code
from apps.verification.domain.key_record import KeyRecord
from apps.verification.domain.verdict import Verdict
from apps.verification.domain.verification_query import Caller, VerificationQuery

__all__ = [
    "BatchEffects",
    "BatchSnapshot",
    "Caller",
    "Code",
    "KeyRecord",
    "KeySpending",
    "RequestName",
    "Verdict",
    "VerificationQuery",
]
