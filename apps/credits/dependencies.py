"""Builds this room's services."""

from functools import cache

from apps.audit.dependencies import audit_service
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.services.credit_service import CreditService
from apps.credits.services.ledger_data import LedgerData
from apps.users.dependencies import user_service


@cache
def credit_service() -> CreditService:
    """Return the credit service."""
    return CreditService(credit_repository(), user_service())


@cache
def ledger_data() -> LedgerData:
    """Return what exports balances and the ledger."""
    return LedgerData(credit_repository())


@cache
def credit_repository() -> CreditRepository:
    """Return the repository of credits, which writes audit events in its transactions."""
    return CreditRepository(audit_service().record, user_service().lock_account)
