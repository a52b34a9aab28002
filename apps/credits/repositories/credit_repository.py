"""Reads and writes balances and the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models.functions import Now

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.database.orm.queries import count, fetch_all, fetch_one
from apps.core.database.transactions import run_in_transaction
from apps.credits.models import CreditBalance, CreditTransaction

# Locks the account in the transaction open on the calling thread; raises NotFound.
LockAccount = Callable[[int], None]
# Returns what a balance becomes, or raises when it may not; called with the balance locked.
Settle = Callable[[Decimal], Decimal]
# Raises when the entry that has this reference is not the one that is asked for.
Guard = Callable[[CreditTransaction], None]


class CreditRepository:
    """The balances' rows, which the database makes with the accounts, and the ledger's.

    Lock order: the account, then its balance. An entry is inserted with the balance locked, so that the order of ids is
    the order in which a customer's balance moved.
    """

    def __init__(self, record_audit: RecordAudit, lock_account: LockAccount) -> None:
        self._record_audit = record_audit
        self._lock_account = lock_account

    async def find_balance(self, user_id: int) -> CreditBalance | None:
        """Return the user's balance, or None."""
        return await fetch_one(CreditBalance.objects.filter(pk=user_id))

    async def page(
        self, user_id: int, *, offset: int, size: int, only_type: str | None
    ) -> tuple[list[CreditTransaction], int]:
        """Return one page of the user's entries, newest first, and how many there are in all."""
        found = CreditTransaction.objects.filter(user_id=user_id).order_by("-id")
        if only_type is not None:
            found = found.filter(type=only_type)
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def post(
        self, user_id: int, fields: Mapping[str, Any], audit: AuditEntry, settle: Settle, guard: Guard
    ) -> CreditTransaction:
        """Move the balance and return the entry, or the earlier one that has its reference.

        Raises NotFound for the account, or what `settle` and `guard` raise.
        """
        return await run_in_transaction(self._post, user_id, fields, audit, settle, guard)

    def _post(
        self, user_id: int, fields: Mapping[str, Any], audit: AuditEntry, settle: Settle, guard: Guard
    ) -> CreditTransaction:
        self._lock_account(user_id)
        before = CreditBalance.objects.select_for_update(no_key=True).get(pk=user_id).balance
        earlier = _with_reference(user_id, fields["reference_id"])
        if earlier is not None:
            guard(earlier)
            return earlier
        after = settle(before)
        CreditBalance.objects.filter(pk=user_id).update(balance=after, updated_at=Now())
        actor = {"actor_id": audit.actor.user_id, "actor_kind": audit.actor.kind}
        entry = CreditTransaction.objects.create(user_id=user_id, balance_after=after, **actor, **fields)
        told = {**fields, "balance": after, "transaction_id": entry.pk}
        self._record_audit(replace(audit, target_id=user_id, before={"balance": before}, after=told))
        return entry


def _with_reference(user_id: int, reference_id: str) -> CreditTransaction | None:
    if not reference_id:
        return None
    return CreditTransaction.objects.filter(user_id=user_id, reference_id=reference_id).first()
