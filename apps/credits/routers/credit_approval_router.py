"""`/credits/approvals`."""

from ninja import Path, Query

from apps.core.authorization.principal import AuthenticatedRequest
from apps.core.http.responses import Router, errors
from apps.core.schemas.fields import Identifier
from apps.core.schemas.page import CursorPage, Page
from apps.credits.dependencies import credit_approval_service
from apps.credits.schemas.credit_approval import (
    ApprovalGrant,
    ApprovalQuery,
    ApprovalRefusal,
    ApprovalWithdrawal,
    CreditApprovalOut,
)

router = Router(tags=["credits"])


@router.get("", response={200: Page[CreditApprovalOut] | CursorPage[CreditApprovalOut]})
async def list_credit_approvals(
    request: AuthenticatedRequest, query: Query[ApprovalQuery]
) -> Page[CreditApprovalOut] | CursorPage[CreditApprovalOut]:
    """List the postings that needed approval, of all customers or of `user_id`, newest first.

    Requires the scope `credits:read`.
    """
    if query.cursor is not None:
        return await credit_approval_service().after(request.auth, query)
    return await credit_approval_service().page(request.auth, query)


@router.get("/{approval_id}", response={200: CreditApprovalOut, **errors(404)})
async def get_credit_approval(request: AuthenticatedRequest, approval_id: Path[Identifier]) -> CreditApprovalOut:
    """Return a posting that needed approval, and what became of it.

    Requires the scope `credits:read`.
    """
    return await credit_approval_service().get(request.auth, approval_id)


@router.post("/{approval_id}/approve", response={200: CreditApprovalOut, **errors(402, 404, 409)})
async def approve_credits(
    request: AuthenticatedRequest, approval_id: Path[Identifier], grant: ApprovalGrant
) -> CreditApprovalOut:
    """Approve a pending posting, which posts it. The person who asked for it cannot.

    Requires a session with the scope that the posting requires, and `credits:read`.
    """
    return await credit_approval_service().approve(request.auth, approval_id, grant)


@router.post("/{approval_id}/refuse", response={200: CreditApprovalOut, **errors(404, 409)})
async def refuse_credits(
    request: AuthenticatedRequest, approval_id: Path[Identifier], refusal: ApprovalRefusal
) -> CreditApprovalOut:
    """Refuse a pending posting. The person who asked for it cannot.

    Requires a session with the scope that the posting requires, and `credits:read`.
    """
    return await credit_approval_service().refuse(request.auth, approval_id, refusal)


@router.post("/{approval_id}/withdraw", response={200: CreditApprovalOut, **errors(404, 409)})
async def withdraw_credits(
    request: AuthenticatedRequest, approval_id: Path[Identifier], withdrawal: ApprovalWithdrawal | None = None
) -> CreditApprovalOut:
    """Withdraw a pending posting that you have asked for. Its reference can be used again.

    Requires the scope `credits:read`.
    """
    return await credit_approval_service().withdraw(request.auth, approval_id, withdrawal or ApprovalWithdrawal())
