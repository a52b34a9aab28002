"""Idempotency records."""

from apps.verification.models.verification_answer import VerificationAnswer

__all__ = ["VerificationAnswer"]
