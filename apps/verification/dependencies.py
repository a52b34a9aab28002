"""Builds this room's services."""

from functools import cache

from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.services.key_authentication import KeyAuthentication
from apps.verification.services.verification_service import VerificationService


@cache
def verification_service() -> VerificationService:
    """Return the verification service; one for all, because what waits together is decided together."""
    return VerificationService(DecisionRepository())


@cache
def key_authentication() -> KeyAuthentication:
    """Return the authentication of API keys."""
    return KeyAuthentication(verification_service())
