"""Reads balances and the ledger, and posts credits."""

from decimal import Decimal

from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import NotFound
from apps.core.schemas.page import START, CursorPage, CursorQuery, Page
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_approval import CreditApprovalOut
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import (
    CreditPosting,
    CreditTransactionOut,
    LedgerQuery,
    PostingPreview,
)
from apps.credits.services.in_transaction.approval_requests import ApprovalRequests
from apps.credits.services.in_transaction.postings import Postings
from apps.credits.services.posting_rules import (
    LATELY,
    balance_after,
    has_approval_limit,
    is_above_limit,
    require_posting,
)
from apps.users.services.in_transaction.accounts import Accounts
from apps.users.services.user_service import UserService


class CreditService:
    """Reads balances and the ledger, and posts credits. Verification debits the cost of calls itself."""

    def __init__(
        self,
        credits_of_accounts: CreditRepository,
        users: UserService,
        accounts: Accounts,
        postings: Postings,
        requests: ApprovalRequests,
    ) -> None:
        self._credits = credits_of_accounts
        self._users = users
        self._accounts = accounts
        self._postings = postings
        self._requests = requests

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

    async def ledger_of(self, actor: Principal, user_id: int, query: CursorQuery) -> CursorPage[CreditTransactionOut]:
        """Return the part of a customer's ledger at the cursor, for callers that have read the account.

        Raises NotAllowed, InsufficientScopes.
        """
        actor.require_scope(CREDITS_READ)
        rows = await self._credits.after(user_id, query.cursor or START, query.size + 1)
        return CursorPage[CreditTransactionOut].of(rows, query, CreditTransactionOut.of)

    async def balance_of(self, actor: Principal, user_id: int) -> Decimal | None:
        """Return a customer's balance, for callers that have read the account; raises as `ledger_of` does."""
        actor.require_scope(CREDITS_READ)
        found = await self._credits.find_balance(user_id)
        return None if found is None else found.balance

    async def entry(self, user_id: int, entry_id: int) -> CreditTransactionOut | None:
        """Return one entry of an account's ledger, or None, for callers that have checked who may read it."""
        found = await self._credits.find_entry(user_id, entry_id)
        return None if found is None else CreditTransactionOut.of(found)

    async def post(
        self, actor: Principal, user_id: int, posting: CreditPosting
    ) -> CreditTransactionOut | CreditApprovalOut:
        """Post credits to the account and return the entry; or the pending approval, if another person has to approve.

        A retry with the same reference returns the first entry or the pending approval. Raises NotAllowed, also for the
        actor's own account, InsufficientScopes, NotFound, InsufficientCredits when the balance would fall below zero,
        BalanceTooLarge, and ReferenceUsed when the reference belongs to another posting.
        """
        scope = require_posting(actor, user_id, posting.type)
        async with transaction():
            await self._accounts.lock_for(actor, user_id, scope)
            if earlier := await self._postings.find(user_id, posting):
                return CreditTransactionOut.of(earlier)
            if waiting := await self._requests.find(user_id, posting):
                return CreditApprovalOut.of(waiting)
            if is_above_limit(posting.amount, await self._posted_lately(actor, user_id)):
                return CreditApprovalOut.of(await self._requests.ask(actor, user_id, posting))
            return CreditTransactionOut.of(await self._postings.post(actor, user_id, posting))

    async def preview(self, actor: Principal, user_id: int, posting: CreditPosting) -> PostingPreview:
        """Return what the posting would do to the balance now, without posting it; raises as `post` does.

        Does not look for the reference.
        """
        require_posting(actor, user_id, posting.type)
        balance = (await self.balance(actor, user_id)).balance
        posted = await self._posted_lately(actor, user_id)
        return PostingPreview(
            balance=balance,
            balance_after=balance_after(balance, posting.amount),
            needs_approval=is_above_limit(posting.amount, posted),
            posted_lately=posted or Decimal(0),
        )

    async def _posted_lately(self, actor: Principal, user_id: int) -> Decimal | None:
        """Return what the actor has posted to the customer lately without approval, or None if that has no limit."""
        if not has_approval_limit(actor):
            return None
        return await self._credits.sum_posted(user_id, actor.owner_id, LATELY)

    async def _readable(self, actor: Principal, user_id: int | None) -> int:
        found = actor.owner_id if user_id is None else user_id
        await self._users.require_readable(actor, found, CREDITS_READ)
        return found
