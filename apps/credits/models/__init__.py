"""Credit balances, the ledger, and postings that wait for approval."""

from apps.credits.models.credit_approval import CreditApproval
from apps.credits.models.credit_balance import CreditBalance
from apps.credits.models.credit_transaction import CreditTransaction
from apps.credits.models.ledger_entry import LedgerEntry

__all__ = ["CreditApproval", "CreditBalance", "CreditTransaction", "LedgerEntry"]
