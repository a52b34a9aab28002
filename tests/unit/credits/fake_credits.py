"""Balances and a ledger in memory, for the service under test."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.core.database.open_transaction import require_transaction
from apps.core.errors import NotFound
from apps.credits.models import CreditBalance, CreditTransaction

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class FakeCredits:
    """What the repository promises, for one process. `locked` are the balances that the open transaction has locked."""

    def __init__(self, **balances: str) -> None:
        self.balances = {int(name.removeprefix("user")): Decimal(balance) for name, balance in balances.items()}
        self.ledger: list[CreditTransaction] = []
        self.queries: list[tuple[Any, ...]] = []
        self.locked: set[int] = set()

    async def find_balance(self, user_id: int) -> CreditBalance | None:
        if user_id not in self.balances:
            return None
        return CreditBalance(user_id=user_id, balance=self.balances[user_id])

    async def lock_balance(self, user_id: int) -> CreditBalance:
        require_transaction("lock a balance")
        self.locked.add(user_id)
        found = await self.find_balance(user_id)
        if found is None:
            raise NotFound
        return found

    async def set_balance(self, user_id: int, balance: Decimal) -> None:
        assert user_id in self.locked
        self.balances[user_id] = balance

    async def find_by_reference(self, user_id: int, reference_id: str) -> CreditTransaction | None:
        require_transaction("find a reference")
        found = (each for each in self.ledger if (each.user_id, each.reference_id) == (user_id, reference_id))
        return next(found, None)

    async def insert_entry(self, entry: CreditTransaction) -> CreditTransaction:
        assert entry.user_id in self.locked
        entry.pk, entry.occurred_at = len(self.ledger) + 1, NOON
        self.ledger.append(entry)
        return entry

    async def sum_posted(self, user_id: int, actor_id: int, _period: timedelta) -> Decimal:
        posted = [each for each in self.ledger if (each.user_id, each.actor_id) == (user_id, actor_id)]
        return sum((abs(each.amount) for each in posted), Decimal(0))

    async def page(self, user_id: int, **query: Any) -> tuple[list[CreditTransaction], int]:
        self.queries.append((user_id, query))
        found = [entry for entry in reversed(self.ledger) if entry.user_id == user_id]
        return found, len(found)


class NoApprovals:
    """Approvals of an installation without CREDIT_APPROVAL_ABOVE."""

    async def find(self, user_id: int, posting: Any) -> None:
        require_transaction("find an approval")
