"""Erases the personal data of deleted accounts after their grace period."""

from collections.abc import Iterable, Sequence

from apps.core.database.database_errors import is_unavailable_for_all, log_unexpected
from apps.core.database.transaction import transaction
from apps.core.declarations import PersonalData, PersonalDataDeclaration
from apps.users.services.in_transaction.account_erasure import AccountErasure


class Erasure:
    """Erases an account in all apps, or in none: in one transaction, which locks the account first."""

    def __init__(self, accounts: AccountErasure, personal_data: Sequence[PersonalData]) -> None:
        self._accounts = accounts
        self._personal_data = tuple(personal_data)

    async def run(self) -> int:
        """Erase every account whose grace period has ended, and return how many.

        Accounts that another process erases at the same time are skipped. An account that cannot be erased is logged
        and keeps all its data until the next run; the others are erased.
        """
        erased, last = 0, None
        while due := await self._accounts.due(last):
            erased += sum([await self._erase_isolated(account.pk) for account in due])
            last = due[-1]
        return erased

    async def _erase_isolated(self, user_id: int) -> bool:
        try:
            return await self._erase(user_id)
        except Exception as error:
            if is_unavailable_for_all(error):
                raise
            log_unexpected(error)
            return False

    async def _erase(self, user_id: int) -> bool:
        async with transaction():
            account = await self._accounts.lock_due(user_id)
            if account is None or account.deleted_at is None:
                return False
            for personal_data in self._personal_data:
                await personal_data.erase(account.pk)
                await personal_data.erase_address(account.email, account.deleted_at)
            await self._accounts.erase(account)
        return True


def erased_by(declarations: Iterable[PersonalDataDeclaration]) -> list[PersonalData]:
    """Return the services that erase personal data, in the order of the declarations."""
    return [declared.service() for declared in declarations]
