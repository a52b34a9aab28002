"""The admin pages of balances and the ledger."""

from apps.credits.admin.credit_balance_admin import CreditBalanceAdmin
from apps.credits.admin.credit_transaction_admin import CreditTransactionAdmin

__all__ = ["CreditBalanceAdmin", "CreditTransactionAdmin"]
