"""Erasing whose a deleted account was, once its grace is over."""

from collections.abc import Sequence

from apps.core.database.transactions import run_in_transaction
from apps.core.personal_data import EraseAddress, ErasePersonalData
from apps.users.services.account_removal import AccountRemoval


class Erasure:
    """Erases an account in all rooms at once, or not at all. Lock order: the account before all that is its."""

    def __init__(
        self, removal: AccountRemoval, erasers: Sequence[ErasePersonalData], address_erasers: Sequence[EraseAddress]
    ) -> None:
        self._removal = removal
        self._erasers = tuple(erasers)
        self._address_erasers = tuple(address_erasers)

    async def run(self) -> int:
        """Erase every account whose grace is over, each in a transaction of its own, and return how many.

        Those that another process erases at the same time are passed over.
        """
        total = 0
        while await run_in_transaction(self._erase_one):
            total += 1
        return total

    def _erase_one(self) -> bool:
        user = self._removal.lock_due()
        if user is None or user.deleted_at is None:
            return False
        for erase in self._erasers:
            erase(user.pk)
        for erase_address in self._address_erasers:
            erase_address(user.email, user.deleted_at)
        self._removal.erase(user)
        return True
