"""The personal data in balances and the ledger."""

from typing import Any

from apps.core.declarations import EXPORT_ROWS_MAXIMUM, PersonalData, section_of
from apps.credits.repositories.credit_approval_repository import CreditApprovalRepository
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import CreditTransactionOut


class CreditsPersonalData(PersonalData):
    """Exports balances and the ledger, which are never erased, and erases the texts of approvals."""

    def __init__(self, credits_of_accounts: CreditRepository, approvals: CreditApprovalRepository) -> None:
        self._credits = credits_of_accounts
        self._approvals = approvals

    async def export(self, user_id: int) -> Any:
        """Return the balance of the account and its newest ledger entries."""
        balance = await self._credits.find_balance(user_id)
        rows, total = await self._credits.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM, only_type=None)
        ledger = await section_of(CreditTransactionOut.of, rows, total)
        return {"balance": CreditBalanceOut.of(balance) if balance else None, "ledger": ledger}

    async def erase(self, user_id: int) -> None:
        """Blank the texts of the account's approvals."""
        await self._approvals.erase(user_id)
