"""Posts to the ledger, in the caller's transaction."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import Principal
from apps.credits.models import CreditTransaction
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.credits.services.posting_rules import balance_after, require_same_posting

NOTHING: Mapping[str, Any] = {}


class Postings:
    """Changes balances by ledger entries. The caller has locked the account, and checked the actor's right."""

    def __init__(self, credits_of_accounts: CreditRepository, audit: AuditTrail) -> None:
        self._credits = credits_of_accounts
        self._audit = audit

    async def find(self, user_id: int, posting: CreditPosting) -> CreditTransaction | None:
        """Return the entry that was posted with this reference, or None; raises ReferenceUsed for another posting."""
        if not posting.reference:
            return None
        earlier = await self._credits.find_by_reference(user_id, posting.reference)
        if earlier is not None:
            require_same_posting(posting, earlier.amount, earlier.type)
        return earlier

    async def post(
        self, actor: Principal, user_id: int, posting: CreditPosting, recorded: Mapping[str, Any] = NOTHING
    ) -> CreditTransaction:
        """Lock the balance, change it and return the entry; raises InsufficientCredits, BalanceTooLarge.

        `recorded` are further values for the audit event.
        """
        before = (await self._credits.lock_balance(user_id)).balance
        after = balance_after(before, posting.amount)
        await self._credits.set_balance(user_id, after)
        entry = await self._credits.insert_entry(_entry(actor, user_id, posting, after))
        await self._audit.record(_audit_entry(entry, actor, before, posting.reason, recorded))
        return entry


def _entry(actor: Principal, user_id: int, posting: CreditPosting, balance: Decimal) -> CreditTransaction:
    return CreditTransaction(
        user_id=user_id,
        type=posting.type,
        amount=posting.amount,
        balance_after=balance,
        description=posting.description,
        reference_id=posting.reference,
        actor_id=actor.user_id,
        actor_kind=actor.kind,
    )


def _audit_entry(
    entry: CreditTransaction, actor: Principal, balance_before: Decimal, reason: str, recorded: Mapping[str, Any]
) -> AuditEntry:
    after = {
        "type": entry.type,
        "amount": entry.amount,
        "description": entry.description,
        "reference_id": entry.reference_id,
        "balance": entry.balance_after,
        "transaction_id": entry.pk,
        **recorded,
    }
    before = {"balance": balance_before}
    return AuditEntry(actor, "credits.posted", "user", entry.user_id, before, after, reason=reason)
