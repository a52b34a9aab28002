"""Credit balances and the ledger."""

from apps.credits.models.credit_balance import CreditBalance
from apps.credits.models.credit_transaction import CreditTransaction
from apps.credits.models.ledger_entry import LedgerEntry

__all__ = ["CreditBalance", "CreditTransaction", "LedgerEntry"]
