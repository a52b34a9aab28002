"""Erasing whose a deleted account was, once its grace is over."""

from collections.abc import Sequence

from apps.core.database.transactions import run_in_transaction
from apps.core.database.unavailable import is_unavailable_for_all
from apps.core.database.unexpected_errors import log_unexpected
from apps.core.declarations.old_personal_data import EraseAddress, ErasePersonalData
from apps.users.services.account_removal import AccountRemoval


class OldErasure:
    """Erases an account in all rooms at once, or not at all. Lock order: the account before all that is its."""

    def __init__(
        self, removal: AccountRemoval, erasers: Sequence[ErasePersonalData], address_erasers: Sequence[EraseAddress]
    ) -> None:
        self._removal = removal
        self._erasers = tuple(erasers)
        self._address_erasers = tuple(address_erasers)

    async def run(self) -> int:
        """Erase every account whose grace is over, each in a transaction of its own, and return how many.

        Those that another process erases at the same time are passed over. One that cannot be erased is logged, stays
        whole until the next time, and keeps back no other.
        """
        erased, tried = 0, None
        while due := await self._removal.due(tried):
            erased += sum([await self._erase_apart(user.pk) for user in due])
            tried = due[-1]
        return erased

    async def _erase_apart(self, user_id: int) -> bool:
        try:
            return await run_in_transaction(self._erase, user_id)
        except Exception as error:
            if is_unavailable_for_all(error):
                raise
            log_unexpected(error)
            return False

    def _erase(self, user_id: int) -> bool:
        user = self._removal.lock_due(user_id)
        if user is None or user.deleted_at is None:
            return False
        for erase in self._erasers:
            erase(user.pk)
        for erase_address in self._address_erasers:
            erase_address(user.email, user.deleted_at)
        self._removal.erase(user)
        return True
