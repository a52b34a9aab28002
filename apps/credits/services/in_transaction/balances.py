"""Locks balances in the caller's transaction."""

from decimal import Decimal

from apps.credits.repositories.credit_repository import CreditRepository


class Balances:
    """The balances of customers, for services whose transaction must not run beside verifications."""

    def __init__(self, credits_of_accounts: CreditRepository) -> None:
        self._credits = credits_of_accounts

    async def lock(self, user_id: int) -> Decimal:
        """Lock the customer's balance and return it: until the end, no verification of their keys is decided.

        The lock covers the counters of the customer's keys too: every transaction that changes them takes it first.
        Raises NotFound.
        """
        return (await self._credits.lock_balance(user_id)).balance
