"""What the ledger keeps of a person, which is kept for ever."""

from typing import Any

from apps.core.declarations.personal_data import EXPORT_ROWS_MAXIMUM, section_of
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import CreditTransactionOut


class LedgerData:
    """Exports it."""

    def __init__(self, credits_of_users: CreditRepository) -> None:
        self._credits = credits_of_users

    async def export(self, user_id: int) -> Any:
        """Return the balance and the newest entries of the account. It is an `ExportPersonalData`."""
        balance = await self._credits.find_balance(user_id)
        rows, total = await self._credits.page(user_id, offset=0, size=EXPORT_ROWS_MAXIMUM, only_type=None)
        held = CreditBalanceOut(user_id=user_id, balance=balance.balance) if balance else None
        ledger = await section_of(CreditTransactionOut.of, rows, total)
        return {"balance": held, "ledger": ledger}
