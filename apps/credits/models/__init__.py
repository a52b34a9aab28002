"""Credit balances and the ledger."""

from apps.credits.models.credit_balance import CreditBalance
from apps.credits.models.credit_transaction import CreditTransaction

__all__ = ["CreditBalance", "CreditTransaction"]
