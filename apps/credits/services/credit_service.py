"""What may be done with credits, and by whom."""

from decimal import Decimal
from functools import partial

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import Principal
from apps.core.errors import Conflict, ErrorDetail, InsufficientCredits, NotFound
from apps.core.schemas.page import Page
from apps.core.values.amounts import AMOUNT_MAXIMUM
from apps.credits.models import CreditTransaction
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_balance import CreditBalanceOut
from apps.credits.schemas.credit_transaction import CreditPosting, CreditTransactionOut, LedgerQuery
from apps.users.services.user_service import UserService


class CreditService:
    """Shows balances and the ledger, and posts to them. What calls cost is debited by verification."""

    def __init__(self, credits_of_users: CreditRepository, users: UserService) -> None:
        self._credits = credits_of_users
        self._users = users

    async def balance(self, actor: Principal, user_id: int | None = None) -> CreditBalanceOut:
        """Return a balance, one's own if no user is named; raises NotAllowed for another's, NotFound."""
        found = await self._credits.find_balance(await self._readable(actor, user_id))
        if found is None:
            raise NotFound
        return CreditBalanceOut(user_id=found.pk, balance=found.balance)

    async def page(self, actor: Principal, query: LedgerQuery) -> Page[CreditTransactionOut]:
        """Return one page of a ledger, one's own if no user is named; raises NotAllowed for another's, NotFound."""
        user_id = await self._readable(actor, query.user_id)
        rows, total = await self._credits.page(user_id, offset=query.offset, size=query.size, only_type=query.type)
        return Page[CreditTransactionOut].of(rows, total, query, CreditTransactionOut.of)

    async def post(self, actor: Principal, user_id: int, posting: CreditPosting) -> CreditTransactionOut:
        """Move the user's balance and return the entry; a reference that was posted returns the entry of then.

        Only staff may. Raises NotAllowed, NotFound, InsufficientCredits when the balance would fall below zero, and
        Conflict when it would grow too large, or when the reference stands for another movement.
        """
        actor.require_staff()
        fields = {**posting.model_dump(exclude={"request_id"}), "reference_id": posting.reference}
        audit = AuditEntry(actor, "credits.posted", "user")
        settle, guard = partial(_settled, posting.amount), partial(_require_same, posting)
        return CreditTransactionOut.of(await self._credits.post(user_id, fields, audit, settle, guard))

    async def _readable(self, actor: Principal, user_id: int | None) -> int:
        if user_id is None or user_id == actor.user_id:
            return actor.owner_id
        await self._users.require(actor, user_id)
        return user_id


def _settled(amount: Decimal, balance: Decimal) -> Decimal:
    after = balance + amount
    if after < 0:
        short = ErrorDetail("amount", f"The balance is {balance:f}.")
        raise InsufficientCredits(details=[short])
    if after > AMOUNT_MAXIMUM:
        too_much = ErrorDetail("amount", f"A balance is at most {AMOUNT_MAXIMUM:f}.")
        raise Conflict("The balance would grow too large.", code="BALANCE_TOO_LARGE", details=[too_much])
    return after


def _require_same(posting: CreditPosting, earlier: CreditTransaction) -> None:
    if (earlier.amount, earlier.type) != (posting.amount, posting.type):
        used = ErrorDetail("reference_id", f"It stands for {earlier.type} {earlier.amount:f}.")
        raise Conflict("The reference has been used for another movement.", code="REFERENCE_USED", details=[used])
