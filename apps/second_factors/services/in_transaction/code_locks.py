"""The locks that wrong codes of second factors cause."""

from collections.abc import Collection
from datetime import datetime

from apps.second_factors.repositories.factor_attempt_repository import CodeLock, FactorAttemptRepository

LOCKS_MAXIMUM = 100  # that are shown: guesses may come from any number of addresses


class CodeLocks:
    """Reads and lifts the locks of accounts' codes, for callers that have checked who may.

    Codes are counted while their account is locked: lock it before lifting its locks.
    """

    def __init__(self, attempts: FactorAttemptRepository) -> None:
        self._attempts = attempts

    async def of(self, user_id: int) -> list[CodeLock]:
        """Return the account's locks that last, up to LOCKS_MAXIMUM."""
        return await self._attempts.locks(user_id, LOCKS_MAXIMUM)

    async def ends(self, user_ids: Collection[int]) -> dict[int, datetime]:
        """Return those of the accounts that have a lock, and when the last one ends."""
        return await self._attempts.locked_accounts(user_ids)

    async def lift(self, user_id: int) -> int:
        """Lift the locks of the account, which is locked, and return how many there were."""
        return await self._attempts.lift_locks(user_id)
