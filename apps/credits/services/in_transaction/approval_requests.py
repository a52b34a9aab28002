"""Asks for the approval of postings, in the caller's transaction."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from apps.audit.domain.audit_entry import AuditEntry
from apps.audit.services.in_transaction.audit_trail import AuditTrail
from apps.core.authorization.principal import OPERATOR, Principal
from apps.credits.models import CreditApproval
from apps.credits.repositories.credit_approval_repository import CreditApprovalRepository
from apps.credits.repositories.credit_repository import CreditRepository
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.credits.services.in_transaction.approval_messages import ApprovalMessages
from apps.credits.services.posting_rules import balance_after, require_same_posting

KIND = "credit_approval"  # of the audit trail
LIFETIME = timedelta(days=7)
NOTHING: Mapping[str, Any] = {}


class ApprovalRequests:
    """Stores postings that need approval. The caller has locked the customer's account, and checked the right."""

    def __init__(
        self,
        approvals: CreditApprovalRepository,
        credits_of_accounts: CreditRepository,
        messages: ApprovalMessages,
        audit: AuditTrail,
    ) -> None:
        self._approvals = approvals
        self._credits = credits_of_accounts
        self._messages = messages
        self._audit = audit

    async def find(self, user_id: int, posting: CreditPosting) -> CreditApproval | None:
        """Return the pending approval with this reference, or None; raises ReferenceUsed for another posting.

        One that has expired gives up its reference.
        """
        found = await self._approvals.find_by_reference(user_id, posting.reference) if posting.reference else None
        if found is None or await self.expire(found.pk):
            return None
        require_same_posting(posting, found.amount, found.type)
        return found

    async def ask(self, actor: Principal, user_id: int, posting: CreditPosting) -> CreditApproval:
        """Store the posting and notify those who may approve it.

        Raises InsufficientCredits, BalanceTooLarge where it could not be posted now.
        """
        balance = await self._credits.find_balance(user_id)
        if balance is not None:
            balance_after(balance.balance, posting.amount)
        approval = await self._approvals.insert_for(_approval(actor, user_id, posting), LIFETIME)
        await self.record(actor, "requested", approval, posting.reason, _requested(approval))
        await self._messages.notify_approvers(approval)
        return approval

    async def expire(self, approval_id: int) -> bool:
        """Store that the approval has expired and tell who asked for it, if it is due; return whether it was."""
        approval = await self._approvals.lock(approval_id)
        if approval.state != CreditApproval.State.PENDING or not is_expired(approval):
            return approval.state == CreditApproval.State.EXPIRED
        expired = await self._approvals.expire(approval)
        await self.record(OPERATOR, "expired", expired)
        await self._messages.notify_requester(expired)
        return True

    async def record(
        self,
        actor: Principal,
        action: str,
        approval: CreditApproval,
        reason: str = "",
        after: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Record `credit_approval.<action>` as an event that concerns the customer."""
        entry = AuditEntry(
            actor,
            f"{KIND}.{action}",
            KIND,
            approval.pk,
            after={"state": approval.state, **after},
            subject_id=approval.user_id,
            reason=reason,
        )
        await self._audit.record(entry)


def is_expired(approval: CreditApproval) -> bool:
    """Return whether the approval has expired by the database's clock."""
    return bool(vars(approval)["current_state"] == CreditApproval.State.EXPIRED)


def _approval(actor: Principal, user_id: int, posting: CreditPosting) -> CreditApproval:
    return CreditApproval(
        user_id=user_id,
        type=posting.type,
        amount=posting.amount,
        description=posting.description,
        reference_id=posting.reference,
        reason=posting.reason,
        requested_by_id=actor.owner_id,
    )


def _requested(approval: CreditApproval) -> dict[str, Any]:
    return {
        "type": approval.type,
        "amount": approval.amount,
        "description": approval.description,
        "reference_id": approval.reference_id,
        "expires_at": approval.expires_at,
    }
