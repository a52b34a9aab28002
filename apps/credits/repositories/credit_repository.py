"""Reads and writes balances and the ledger."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.db.models import Q, QuerySet

from apps.core.database.orm.entity_repository import existing
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, fetch_after, fetch_all, fetch_one
from apps.core.database.orm.writes import insert, update
from apps.core.database.statements import fetch_rows, load_statements
from apps.credits.models import CreditBalance, CreditTransaction, LedgerEntry

SQL = load_statements(Path(__file__).with_name("posted_lately.sql"))


class CreditRepository:
    """The rows of balances, which the database creates with the accounts, and of the ledger.

    An entry is inserted while the balance is locked, so the order of ids is the order of the changes.
    """

    async def find_balance(self, user_id: int) -> CreditBalance | None:
        """Return the account's balance, or None."""
        return await _balance.first(user_id)

    async def lock_balance(self, user_id: int) -> CreditBalance:
        """Lock the account's balance and return it; raises NotFound."""
        return existing(await _balance.lock(user_id))

    async def set_balance(self, user_id: int, balance: Decimal) -> None:
        """Set a locked balance."""
        await update(CreditBalance.objects.filter(pk=user_id), balance=balance)

    async def find_by_reference(self, user_id: int, reference_id: str) -> CreditTransaction | None:
        """Return the account's entry with this reference, or None. Entries of verification have no reference."""
        return await _entry_with_reference.first(user_id, reference_id)

    async def sum_posted(self, user_id: int, actor_id: int, period: timedelta) -> Decimal:
        """Return the sum of the amounts, up or down, that the actor has posted to the account within the period.

        Entries that were approved do not count. Exact while the account is locked.
        """
        parameters = {"user_id": user_id, "actor_id": actor_id, "period": period}
        ((total,),) = await fetch_rows(SQL["posted_lately"], parameters)
        return Decimal(total)

    async def find_entry(self, user_id: int, entry_id: int) -> LedgerEntry | None:
        """Return one of the account's entries, or None."""
        return await fetch_one(_entries_of(user_id, None).filter(pk=entry_id))

    async def insert_entry(self, entry: CreditTransaction) -> CreditTransaction:
        """Insert an entry of the ledger."""
        return await insert(entry)

    async def page(
        self, user_id: int, *, offset: int, size: int, only_type: str | None
    ) -> tuple[list[LedgerEntry], int]:
        """Return one page of the account's entries, newest first, and how many there are."""
        found = _entries_of(user_id, only_type).order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def after(
        self, user_id: int, position: int, maximum: int, *, only_type: str | None = None
    ) -> list[LedgerEntry]:
        """Return up to `maximum` of the account's entries that follow a position, newest first; see `fetch_after`."""
        return await fetch_after(_entries_of(user_id, only_type), position, maximum, newest_first=True)


def _entries_of(user_id: int, only_type: str | None) -> QuerySet[LedgerEntry]:
    # The second condition skips batches of other customers as a whole.
    is_of_batch = Q(pending_user_ids=None) | Q(pending_user_ids__contains=[user_id])
    found = LedgerEntry.objects.filter(is_of_batch, user_id=user_id).defer("pending_user_ids")
    return found if only_type is None else found.filter(type=only_type)


@prepared
def _balance(user_id: int) -> QuerySet[CreditBalance]:
    return CreditBalance.objects.filter(pk=user_id)


@prepared
def _entry_with_reference(user_id: int, reference_id: str) -> QuerySet[CreditTransaction]:
    return CreditTransaction.objects.filter(user_id=user_id, reference_id=reference_id)
