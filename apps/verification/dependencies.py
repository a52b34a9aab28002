"""Builds this app's services."""

from datetime import timedelta
from functools import cache

from django.conf import settings

from apps.api_keys.dependencies import api_key_service, customer_keys, key_secrets
from apps.credits.dependencies import credit_service
from apps.usage.dependencies import refusal_samples, unknown_key_counts, usage_exports, usage_reports, usage_service
from apps.users.dependencies import user_service
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.repositories.idempotency_repository import IdempotencyRepository
from apps.verification.repositories.ledger_audit_repository import LedgerAuditRepository
from apps.verification.repositories.record_changes import RecordChangeRepository
from apps.verification.services.account_usage import AccountUsage
from apps.verification.services.call_explanations import CallExplanations
from apps.verification.services.call_search import CallSearch
from apps.verification.services.key_authentication import KeyAuthentication
from apps.verification.services.key_explanations import KeyExplanations
from apps.verification.services.ledger_audit import LedgerAudit
from apps.verification.services.record_triggers import RecordTriggers
from apps.verification.services.verification_service import VerificationService


@cache
def verification_service() -> VerificationService:
    """Return the verification service. It is shared, so that concurrent queries are decided in one batch."""
    retry_period = timedelta(seconds=settings.REQUEST_ID_RETRY_SECONDS)
    return VerificationService(DecisionRepository(), retry_period, refusal_samples(), unknown_key_counts())


@cache
def key_authentication() -> KeyAuthentication:
    """Return the authentication of clients by API key."""
    return KeyAuthentication(verification_service())


@cache
def call_search() -> CallSearch:
    """Return the search for calls by request id."""
    return CallSearch(usage_service(), IdempotencyRepository(), settings.CALL_HISTORY_HOURS)


@cache
def account_usage() -> AccountUsage:
    """Return the service that reads the usage of accounts."""
    return AccountUsage(usage_reports(), usage_exports(), customer_keys(), user_service())


@cache
def call_explanations() -> CallExplanations:
    """Return the explanations of calls that were made."""
    return CallExplanations(call_search(), credit_service())


@cache
def key_explanations() -> KeyExplanations:
    """Return the explanations of what a call would get now."""
    return KeyExplanations(api_key_service(), key_secrets(), DecisionRepository())


@cache
def ledger_audit() -> LedgerAudit:
    """Return the audit of the ledger."""
    return LedgerAudit(LedgerAuditRepository())


@cache
def record_triggers() -> RecordTriggers:
    """Return the check of the triggers that record changes."""
    return RecordTriggers(RecordChangeRepository())
