"""Reads balances and the ledger, and posts credits."""

from decimal import Decimal

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.catalogue import CREDITS_ADJUST, CREDITS_GRANT, CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, ErrorDetail, InsufficientCredits, NotFound
from apps.core.schemas.page import START, CursorPage, Page
from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.credits.models import CreditTransaction
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import CreditPosting, CreditTransactionOut, LedgerQuery, PostingPreview
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService

# What is paid for is another right than what is given: a program that sells credits needs no more than the first.
SCOPES = {
    "top_up": CREDITS_GRANT,
    "goodwill": CREDITS_ADJUST,
    "refund": CREDITS_ADJUST,
    "adjustment": CREDITS_ADJUST,
}
OWN_ACCOUNT = "You cannot post credits to your own account. Ask another member of staff."


class BalanceTooLarge(Conflict):
    """The posting would raise the balance above the maximum."""

    code, message = "BALANCE_TOO_LARGE", "The balance would exceed the maximum. Reduce the amount."


class ReferenceUsed(Conflict):
    """The account has another ledger entry with this reference."""

    code, message = "REFERENCE_USED", "The reference belongs to another ledger entry. Use a new reference."


class CreditService:
    """Reads balances and the ledger, and posts credits. Verification debits the cost of calls itself."""

    def __init__(
        self, credits_of_accounts: CreditRepository, users: UserService, accounts: Accounts, audit: AuditTrail
    ) -> None:
        self._credits = credits_of_accounts
        self._users = users
        self._accounts = accounts
        self._audit = audit

    async def balance(self, actor: Principal, user_id: int | None = None) -> CreditBalanceOut:
        """Return a balance, the actor's own by default; raises NotAllowed, InsufficientScopes, NotFound."""
        found = await self._credits.find_balance(await self._readable(actor, user_id))
        if found is None:
            raise NotFound
        return CreditBalanceOut.of(found)

    async def page(self, actor: Principal, query: LedgerQuery) -> Page[CreditTransactionOut]:
        """Return one page of a ledger, the actor's own by default; raises as `balance` does."""
        user_id = await self._readable(actor, query.user_id)
        rows, total = await self._credits.page(user_id, offset=query.offset, size=query.size, only_type=query.type)
        return Page[CreditTransactionOut].of(rows, total, query, CreditTransactionOut.of)

    async def after(self, actor: Principal, query: LedgerQuery) -> CursorPage[CreditTransactionOut]:
        """Return the part of a ledger at the cursor, the actor's own by default; raises as `balance` does."""
        user_id = await self._readable(actor, query.user_id)
        rows = await self._credits.after(user_id, query.cursor or START, query.size + 1, only_type=query.type)
        return CursorPage[CreditTransactionOut].of(rows, query, CreditTransactionOut.of)

    async def post(self, actor: Principal, user_id: int, posting: CreditPosting) -> CreditTransactionOut:
        """Post credits to the account and return the entry; a retry with the same reference returns the first entry.

        Raises NotAllowed, also for the actor's own account, InsufficientScopes, NotFound, InsufficientCredits when the
        balance would fall below zero, BalanceTooLarge, and ReferenceUsed when the reference belongs to another entry.
        """
        scope = _require_posting(actor, user_id, posting)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, scope)
            before = (await self._credits.lock_balance(user_id)).balance
            earlier = await self._credits.find_by_reference(user_id, posting.reference) if posting.reference else None
            if earlier is not None:
                _require_same_posting(posting, earlier)
                return CreditTransactionOut.of(earlier)
            after = _balance_after(before, posting.amount)
            await self._credits.set_balance(user_id, after)
            entry = await self._credits.insert_entry(_entry(actor, user_id, posting, after))
            await self._audit.record(_audit_entry(entry, actor, before, posting.reason))
        return CreditTransactionOut.of(entry)

    async def preview(self, actor: Principal, user_id: int, posting: CreditPosting) -> PostingPreview:
        """Return what the posting would do to the balance now, without posting it; raises as `post` does."""
        _require_posting(actor, user_id, posting)
        balance = (await self.balance(actor, user_id)).balance
        return PostingPreview(balance=balance, balance_after=_balance_after(balance, posting.amount))

    async def _readable(self, actor: Principal, user_id: int | None) -> int:
        found = actor.owner_id if user_id is None else user_id
        await self._users.require_readable(actor, found, CREDITS_READ)
        return found


def scope_of(posting: CreditPosting) -> str:
    """Return the scope that the posting needs: to grant what is paid for, or to adjust."""
    return SCOPES[posting.type]


def _require_posting(actor: Principal, user_id: int, posting: CreditPosting) -> str:
    """Return the scope that the posting needs. Raises as `post` does, unless the actor may post to the account."""
    scope = scope_of(posting)
    actor.require_scope(scope)
    actor.require_other(user_id, OWN_ACCOUNT)
    return scope


def _balance_after(balance: Decimal, amount: Decimal) -> Decimal:
    after = balance + amount
    if after < 0:
        raise InsufficientCredits(details=[ErrorDetail("amount", f"The balance is {balance:f}.")])
    if after > AMOUNT_MAXIMUM:
        too_large = ErrorDetail("amount", f"The maximum balance is {AMOUNT_MAXIMUM:f}.")
        raise BalanceTooLarge(details=[too_large])
    return after


def _require_same_posting(posting: CreditPosting, earlier: CreditTransaction) -> None:
    if (earlier.amount, earlier.type) != (posting.amount, posting.type):
        used = ErrorDetail("reference_id", f"It belongs to a {earlier.type} of {earlier.amount:f}.")
        raise ReferenceUsed(details=[used])


def _entry(actor: Principal, user_id: int, posting: CreditPosting, balance_after: Decimal) -> CreditTransaction:
    return CreditTransaction(
        user_id=user_id,
        type=posting.type,
        amount=posting.amount,
        balance_after=balance_after,
        description=posting.description,
        reference_id=posting.reference,
        actor_id=actor.user_id,
        actor_kind=actor.kind,
    )


def _audit_entry(entry: CreditTransaction, actor: Principal, balance_before: Decimal, reason: str) -> AuditEntry:
    after = {
        "type": entry.type,
        "amount": entry.amount,
        "description": entry.description,
        "reference_id": entry.reference_id,
        "balance": entry.balance_after,
        "transaction_id": entry.pk,
    }
    return AuditEntry(actor, "credits.posted", "user", entry.user_id, {"balance": balance_before}, after, reason=reason)
