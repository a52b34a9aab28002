"""Reads and writes postings that wait for approval, and what became of them."""

from datetime import timedelta
from typing import override

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.core.database.orm.entity_repository import OwnedRepository
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import count, fetch_after, fetch_all
from apps.core.database.orm.writes import update
from apps.credits.models import CreditApproval
from apps.credits.models.credit_approval import HAS_EXPIRED


class CreditApprovalRepository(OwnedRepository[CreditApproval]):
    """The rows of approvals, with their `current_state` by the database's clock."""

    model = CreditApproval

    @override
    def rows(self) -> QuerySet[CreditApproval]:
        """Return all approvals with their current state."""
        return CreditApproval.objects.with_state()

    async def insert_for(self, approval: CreditApproval, lifetime: timedelta) -> CreditApproval:
        """Insert a pending approval that expires after `lifetime`."""
        approval.expires_at = Now() + lifetime
        return await self.insert(approval)

    async def find_by_reference(self, user_id: int, reference_id: str) -> CreditApproval | None:
        """Return the account's approval with this reference that is stored as pending, or None.

        Exact while the account is locked.
        """
        return await _pending_with_reference.first(user_id, reference_id)

    async def filtered_page(
        self, *, user_id: int | None, state: str | None, offset: int, size: int
    ) -> tuple[list[CreditApproval], int]:
        """Return one page of the approvals, newest first, and how many there are."""
        found = _filtered(user_id, state).order_by("-id")
        return await fetch_all(found[offset : offset + size]), await count(found)

    async def filtered_after(
        self, position: int, maximum: int, *, user_id: int | None, state: str | None
    ) -> list[CreditApproval]:
        """Return up to `maximum` of the approvals that follow a position, newest first; see `fetch_after`."""
        return await fetch_after(_filtered(user_id, state), position, maximum, newest_first=True)

    async def expired_ids(self, maximum: int) -> list[int]:
        """Return the ids of up to `maximum` approvals that have expired and are stored as pending."""
        found = CreditApproval.objects.filter(HAS_EXPIRED).order_by("id").only("id")
        return [approval.pk for approval in await fetch_all(found[:maximum])]

    async def expire(self, approval: CreditApproval) -> CreditApproval:
        """Store that a locked approval has expired."""
        return await self.update(approval, state=CreditApproval.State.EXPIRED.value, decided_at=F("expires_at"))

    async def decide(
        self,
        approval: CreditApproval,
        state: str,
        decided_by_id: int | None,
        reason: str,
        transaction_id: int | None = None,
    ) -> CreditApproval:
        """Store what was decided about a locked approval, by whom and why.

        One that is withdrawn has no decision: `decided_by_id` is None.
        """
        return await self.update(
            approval,
            state=state,
            decided_by_id=decided_by_id,
            decided_at=Now(),
            decision_reason=reason,
            transaction_id=transaction_id,
        )

    async def erase(self, user_id: int) -> None:
        """Blank the texts of the account's approvals. References stay, as they do in the ledger."""
        await update(CreditApproval.objects.filter(user_id=user_id), description="", reason="", decision_reason="")


def _filtered(user_id: int | None, state: str | None) -> QuerySet[CreditApproval]:
    found = CreditApproval.objects.with_state() if state is None else CreditApproval.objects.in_state(state)
    return found if user_id is None else found.filter(user_id=user_id)


@prepared
def _pending_with_reference(user_id: int, reference_id: str) -> QuerySet[CreditApproval]:
    return CreditApproval.objects.with_state().filter(user_id=user_id, reference_id=reference_id, state="pending")
