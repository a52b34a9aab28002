"""Lists postings that wait for approval, and approves, refuses, withdraws and expires them."""

from apps.core.authorization.catalogue import CREDITS_READ
from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.core.schemas.page import START, CursorPage, Page
from apps.credits.models import CreditApproval
from apps.credits.repositories.credit_approval_repository import CreditApprovalRepository
from apps.credits.schemas.credit_approval import (
    ApprovalGrant,
    ApprovalQuery,
    ApprovalRefusal,
    ApprovalWithdrawal,
    CreditApprovalOut,
)
from apps.credits.schemas.credit_transaction import CreditPosting
from apps.credits.services.in_transaction.approval_messages import ApprovalMessages
from apps.credits.services.in_transaction.approval_requests import ApprovalRequests, is_expired
from apps.credits.services.in_transaction.postings import Postings
from apps.credits.services.posting_rules import require_posting
from apps.users.services.in_transaction.accounts import Accounts, HeldScopes

PENDING, APPROVED, REFUSED, WITHDRAWN = (
    CreditApproval.State.PENDING,
    CreditApproval.State.APPROVED,
    CreditApproval.State.REFUSED,
    CreditApproval.State.WITHDRAWN,
)
OWN_REQUEST = "You have asked for these credits yourself. Another member of staff has to decide."
OTHERS_REQUEST = "Only the person who asked for these credits can withdraw them. Refuse them instead."


class ApprovalDecided(Conflict):
    """Another decision about the posting was made before, or it was withdrawn."""

    code = "APPROVAL_DECIDED"
    message = "These credits have been approved, refused or withdrawn already. Read the approval again."


class ApprovalExpired(Conflict):
    """The posting was neither approved nor refused in time."""

    code, message = "APPROVAL_EXPIRED", "This approval has expired. Post the credits again to ask for another one."


class ApprovalImpossible(Conflict):
    """The posting cannot be approved any more."""

    code, message = "APPROVAL_IMPOSSIBLE", "These credits cannot be approved any more. Refuse them."


class CreditApprovalService:
    """Decides about postings that need a second person. What needs one is decided by `CreditService.post`."""

    def __init__(
        self,
        approvals: CreditApprovalRepository,
        requests: ApprovalRequests,
        postings: Postings,
        messages: ApprovalMessages,
        accounts: Accounts,
        staff: HeldScopes,
    ) -> None:
        self._approvals = approvals
        self._requests = requests
        self._postings = postings
        self._messages = messages
        self._accounts = accounts
        self._staff = staff

    async def get(self, actor: Principal, approval_id: int) -> CreditApprovalOut:
        """Return the approval; raises NotAllowed, InsufficientScopes, NotFound."""
        actor.require_scope(CREDITS_READ)
        return CreditApprovalOut.of(await self._approvals.get(approval_id))

    async def page(self, actor: Principal, query: ApprovalQuery) -> Page[CreditApprovalOut]:
        """Return one page of the approvals; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(CREDITS_READ)
        rows, total = await self._approvals.filtered_page(
            user_id=query.user_id, state=query.state, offset=query.offset, size=query.size
        )
        return Page[CreditApprovalOut].of(rows, total, query, CreditApprovalOut.of)

    async def after(self, actor: Principal, query: ApprovalQuery) -> CursorPage[CreditApprovalOut]:
        """Return the part of the approvals at the cursor; raises NotAllowed, InsufficientScopes."""
        actor.require_scope(CREDITS_READ)
        rows = await self._approvals.filtered_after(
            query.cursor or START, query.size + 1, user_id=query.user_id, state=query.state
        )
        return CursorPage[CreditApprovalOut].of(rows, query, CreditApprovalOut.of)

    async def approve(self, actor: Principal, approval_id: int, grant: ApprovalGrant) -> CreditApprovalOut:
        """Post the credits and return the approval; a retry by the same person returns it again.

        Raises NotAllowed for the person who asked, for the customer and without a session, InsufficientScopes,
        NotFound, ApprovalDecided, ApprovalExpired, ApprovalImpossible where the customer's account is deleted or the
        person who asked has lost the right, InsufficientCredits, BalanceTooLarge.
        """
        user_id, scope = await self._require_second_person(actor, approval_id)
        async with transaction():
            await self._lock_customer(actor, user_id, scope)
            approval = await self._approvals.lock(approval_id)
            if _is_decided(approval, APPROVED, actor):
                return CreditApprovalOut.of(approval)
            await self._require_requester(approval, scope)
            recorded = {"approval_id": approval.pk, "requested_by_id": approval.requested_by_id}
            entry = await self._postings.post(actor, user_id, _posting_of(approval), recorded)
            decided = await self._approvals.decide(approval, APPROVED, actor.owner_id, grant.reason, entry.pk)
            await self._requests.record(actor, "approved", decided, grant.reason, {"transaction_id": entry.pk})
            await self._messages.notify_requester(decided)
        return CreditApprovalOut.of(decided)

    async def refuse(self, actor: Principal, approval_id: int, refusal: ApprovalRefusal) -> CreditApprovalOut:
        """Refuse the credits, also of a deleted account; a retry by the same person returns the approval again.

        Raises as `approve` does, except ApprovalImpossible.
        """
        user_id, scope = await self._require_second_person(actor, approval_id)
        async with transaction():
            await self._accounts.lock_even_deleted_for(actor, user_id, scope, scope)
            approval = await self._approvals.lock(approval_id)
            if _is_decided(approval, REFUSED, actor):
                return CreditApprovalOut.of(approval)
            decided = await self._approvals.decide(approval, REFUSED, actor.owner_id, refusal.reason)
            await self._requests.record(actor, "refused", decided, refusal.reason)
            await self._messages.notify_requester(decided)
        return CreditApprovalOut.of(decided)

    async def withdraw(self, actor: Principal, approval_id: int, withdrawal: ApprovalWithdrawal) -> CreditApprovalOut:
        """Withdraw the credits that the actor has asked for, also with an API key and without the right to post them.

        A retry returns the approval again. Raises NotAllowed for every other person, InsufficientScopes, NotFound,
        ApprovalDecided, ApprovalExpired.
        """
        actor.require_scope(CREDITS_READ)
        if (await self._approvals.get(approval_id)).requested_by_id != actor.owner_id:
            raise NotAllowed(OTHERS_REQUEST)
        async with transaction():
            approval = await self._approvals.lock(approval_id)
            if approval.state == WITHDRAWN:
                return CreditApprovalOut.of(approval)
            _require_pending(approval)
            withdrawn = await self._approvals.decide(approval, WITHDRAWN, None, withdrawal.reason)
            await self._requests.record(actor, "withdrawn", withdrawn, withdrawal.reason)
        return CreditApprovalOut.of(withdrawn)

    async def expire(self, maximum: int) -> int:
        """Store that up to `maximum` approvals have expired, and return how many were due."""
        due = await self._approvals.expired_ids(maximum)
        for approval_id in due:
            await self._expire(approval_id)
        return len(due)

    async def _expire(self, approval_id: int) -> None:
        async with transaction():
            await self._requests.expire(approval_id)

    async def _require_second_person(self, actor: Principal, approval_id: int) -> tuple[int, str]:
        """Return the customer and the scope that the decision needs, which an approval keeps."""
        actor.require_scope(CREDITS_READ)
        actor.require_session()
        approval = await self._approvals.get(approval_id)
        scope = require_posting(actor, approval.user_id, approval.type)
        if approval.requested_by_id == actor.owner_id:
            raise NotAllowed(OWN_REQUEST)
        return approval.user_id, scope

    async def _lock_customer(self, actor: Principal, user_id: int, scope: str) -> None:
        try:
            await self._accounts.lock_for(actor, user_id, scope)
        except NotFound as error:
            raise ApprovalImpossible("The customer's account is deleted. Refuse these credits.") from error

    async def _require_requester(self, approval: CreditApproval, scope: str) -> None:
        if await self._staff.holder(approval.requested_by_id, scope) is None:
            lost = "The person who asked for these credits may not post them any more. Refuse them."
            raise ApprovalImpossible(lost)


def _is_decided(approval: CreditApproval, decision: str, actor: Principal) -> bool:
    """Return whether the actor has decided so before. Raises ApprovalDecided, ApprovalExpired, unless it is pending."""
    if (approval.state, approval.decided_by_id) == (decision, actor.user_id):
        return True
    _require_pending(approval)
    return False


def _require_pending(approval: CreditApproval) -> None:
    if is_expired(approval):
        raise ApprovalExpired
    if approval.state != PENDING:
        raise ApprovalDecided


def _posting_of(approval: CreditApproval) -> CreditPosting:
    return CreditPosting(
        type=approval.type,  # type: ignore[arg-type]  # one of these, as it was when it was stored
        amount=approval.amount,
        description=approval.description,
        reference_id=approval.reference_id or None,
        reason=approval.reason,
    )
