"""Builds this app's services."""

from functools import cache

from apps.audit.dependencies import audit_trail
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.services.credit_service import CreditService
from apps.credits.services.in_transaction.balances import Balances
from apps.credits.services.personal_data import CreditsPersonalData
from apps.users.dependencies import accounts, user_service


@cache
def credit_service() -> CreditService:
    """Return the credit service."""
    return CreditService(CreditRepository(), user_service(), accounts(), audit_trail())


@cache
def balances() -> Balances:
    """Return the service that locks balances in the caller's transaction."""
    return Balances(CreditRepository())


@cache
def credits_personal_data() -> CreditsPersonalData:
    """Return the service that exports balances and the ledger."""
    return CreditsPersonalData(CreditRepository())
