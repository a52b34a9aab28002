"""Idempotency records, and the changes to what verdicts depend on."""

from apps.verification.models.record_change import RecordChange
from apps.verification.models.verification_answer import VerificationAnswer

__all__ = ["RecordChange", "VerificationAnswer"]
